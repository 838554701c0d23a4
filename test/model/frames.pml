/* What a replica does with a frame. The frame is in heard, heard_generation and heard_content. */

#ifdef NO_GENERATION_CHECK
#define is_of_its_generation true
#else
#define is_of_its_generation (heard_generation == generation[me])
#endif

inline begin_joining() {
  fence();
  if
  :: heard_generation > generation[me] ->
    generation[me] = heard_generation;
    primary[me] = peer;
    both[me] = 0
  :: else
  fi;
  complete[me] = 0;
  candidate_for[me] = 0;
  asking[me] = 0;
  promoting[me] = 0;
  unstable_known[me] = 1;
  spoilt[me] = 0;
  state[me] = JOINING;
  answer_hello(0)
}

inline become_secondary() {
  generation[me] = heard_generation;
  both[me] = 1;
  complete[me] = 1;
  candidate_for[me] = 0;
  state[me] = SECONDARY
}

#define is_told_to_a_candidate \
  (state[me] == JOINING && candidate_for[me] && heard_generation == generation[me] + 1)
#define follows_hello \
  (is_told_to_a_candidate || (state[me] == SECONDARY && heard_generation == generation[me]))

inline hear_hello() {
  if
#ifdef NO_GENERATION_CHECK
  :: heard_generation < generation[me] && heard != join -> answer_hello(has[me] * 2 + unstable_known[me])
#else
  :: heard_generation < generation[me] -> refuse_hello()
#endif
  :: heard_generation >= generation[me] && heard == join ->
    if
    :: heard_generation == generation[me] && (leads(me) || (complete[me] && both[me])) -> refuse_hello()
    :: else -> begin_joining()
    fi
  :: heard_generation >= generation[me] && heard != join ->
    if
    :: follows_hello && (heard == recover || unstable_known[me]) ->
      if
      :: heard_generation > generation[me] -> become_secondary()
      :: else
      fi;
      answer_hello(has[me] * 2 + unstable_known[me])
    :: else -> refuse_hello()
    fi
  :: else -> refuse_hello()
  fi
}

inline send_again() {
  answered[me] = inflight[me] & (heard_content / 2);
  lowest = 1;
  do
  :: lowest < (1 << WRITES) ->
    if
    :: inflight[me] & ~answered[me] & lowest -> send(write, generation[me], lowest)
    :: else
    fi;
    lowest = lowest * 2
  :: else -> break
  od;
  lowest = 0
}

inline hear_hello_answer() {
  if
  :: state[me] == SOLO ->
    ready[me] = 1;
    phase[me] = CATCHING_UP
  :: state[me] == RECOVERING && heard_content % 2 == 0 ->
    /* The other restarted too: what may differ is not known. */
    close_end()
  :: state[me] == RECOVERING && heard_content % 2 == 1 ->
#ifndef SERVE_WITHOUT_PULL
    has[me] = heard_content / 2;
#endif
    ready[me] = 1;
    state[me] = SERVING
  :: state[me] == HOLDING ->
    ready[me] = 1;
    state[me] = SERVING;
    send_again()
  :: else
  fi
}

inline hear_refusal() {
  if
  :: heard_generation > generation[me] && heard_content != me -> fence()
  :: else ->
    lose_connection();
    phase[me] = NO_JOIN
  fi
}

/* From the other, as this primary's secondary or target. */
inline hear_secondary() {
  if
  :: heard == hello_answer -> hear_hello_answer()
  :: heard == write_answer -> answered[me] = answered[me] | (inflight[me] & heard_content)
  :: heard == copy_answer ->
    if
    :: state[me] == SOLO && phase[me] == COPIED ->
      phase[me] = CANDIDATE;
#ifndef ASKING_NOT_OBEYED
      required[me] = 1;
#endif
      send(candidate, generation[me], 0)
    :: else
    fi
  :: heard == candidate_answer ->
    if
    :: phase[me] == CANDIDATE ->
#ifndef ASKING_NOT_DURABLE
      asking[me] = 1;
#endif
      phase[me] = PROPOSED
    :: else
    fi
  :: heard == refusal -> hear_refusal()
  :: else -> assert(false)
  fi
}

/* From the other, as this replica's primary. */
inline hear_primary() {
  if
  :: heard == refusal -> close_end()
  :: heard == view && is_told_to_a_candidate -> become_secondary()
  :: heard == write && is_of_its_generation ->
    has[me] = has[me] | heard_content;
    send(write_answer, 0, heard_content)
  :: heard == copy && is_of_its_generation ->
    has[me] = heard_content;
    send(copy_answer, 0, 0)
  :: heard == candidate && is_of_its_generation ->
    candidate_for[me] = 1;
    send(candidate_answer, 0, 0)
  :: heard == yield && is_of_its_generation -> lease_granted[me] = 0
  :: else -> refuse()
  fi
}

inline receive() {
  frames[me]?heard, heard_generation, heard_content;
  printf("%c hears %e of generation %d (%d)\n", 'a' + me, heard, heard_generation, heard_content);
  if
  :: heard == resume || heard == recover || heard == join -> hear_hello()
  :: else ->
    if
    :: end[me] != CLOSED && dialler == me -> hear_secondary()
    :: end[me] != CLOSED && dialler == peer -> hear_primary()
    :: else
    fi
  fi;
  heard = 0;
  heard_generation = 0;
  heard_content = 0
}
