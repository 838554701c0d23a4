/* The connection between the two replicas, from the end of `me`. The primary dials, the other answers its hello. */

inline drop_frames(to) {
  do
  :: nempty(frames[to]) -> frames[to]?_, _, _
  :: empty(frames[to]) -> break
  od
}

inline leave_other_end() {
  if
  :: end[peer] == OPEN -> end[peer] = HALF
  :: else
  fi
}

inline send(kind, of_generation, content) {
  if
  :: end[me] == OPEN -> frames[peer]!kind, of_generation, content
  :: else
  fi
}

inline close_end() {
  drop_frames(me);
  end[me] = CLOSED;
  ready[me] = 0;
  lease_sent[me] = 0;
  leave_other_end()
}

inline lose_connection() {
  close_end();
  if
  :: state[me] == SOLO && (phase[me] == CATCHING_UP || phase[me] == COPIED) -> phase[me] = NO_JOIN
  :: (state[me] == SERVING || state[me] == SOLO) && required[me] -> state[me] = HOLDING
  :: else
  fi
}

/* What the other end has not read of an older connection it reads before this or never: it is the same to it. */
inline dial(intent) {
  printf("%c dials, to %e\n", 'a' + me, intent);
  drop_frames(me);
  drop_frames(peer);
  end[me] = OPEN;
  leave_other_end();
  ready[me] = 0;
  dialler = me;
  frames[peer]!intent, generation[me], 0
}

inline refuse() {
  send(refusal, generation[me], primary[me]);
  lose_connection()
}

/* The dialler waits for this, unless it gave up meanwhile. */
inline answer_hello(content) {
  if
  :: end[peer] == OPEN && dialler == peer ->
    end[me] = OPEN;
    frames[peer]!hello_answer, generation[me], content
  :: else -> end[me] = HALF
  fi
}

/* This end may still be the one of an older connection. */
inline refuse_hello() {
  lose_connection();
  if
  :: end[peer] == HALF && dialler == peer -> frames[peer]!refusal, generation[me], primary[me]
  :: else
  fi
}
