/*
 * Who may serve a volume: lease, generation and promotion of two replicas, for Spin. docs/replication.md is the prose,
 * daemon/replication the code; states have the names of states.ts. `npm run model` searches every run of it.
 *
 * What is modelled: the control store (one record, changed by compare-and-set), proposals that arrive late or never,
 * one connection between the replicas (frames in order; either end may find it broken at any time, with frames
 * unread), processes that die and start again (memory is lost, what is durable and what was written is kept), writes,
 * the join with its candidate step, the pull of a primary that restarted, a handover with its yield.
 *
 * What is left out, and where it is checked instead: power loss and flushes, dirty maps, the order of a copy and of
 * live writes within a region (the simulator and its mutations, test/sim); real clocks (a lease here ends at any time,
 * but at its holder no later than at its grantor: what the margin of peer.ts is for); three replicas.
 *
 * Control may promote at any moment whoever its record has in the set, dead or alive: none of the rules of
 * control/monitor is needed for what is proved here.
 *
 * Every write has a region of its own, so what a replica holds is a set of writes: one bit for each.
 *
 * A macro of the list in run.ts takes one rule away; the search then has to find a breach.
 */

#ifndef GENERATIONS
#define GENERATIONS 4 /* the last one that the store gives */
#endif
#ifndef WRITES
#define WRITES 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif

#define ALL_WRITES ((1 << WRITES) - 1)
#define peer (1 - me)
#define other (1 - record_primary)

mtype = {
  /* The states of states.ts; BLANK is STALE here, and a process that does not run is Down. */
  Down, Stale, Joining, Secondary, Recovering, Promoting, Serving, Holding, Solo, SteppedDown, Fenced,
  /* Frames. A hello is named by its intent. */
  resume, recover, join, hello_answer, write, write_answer, copy, copy_answer, candidate, candidate_answer, view, yield,
  refusal
};

/* The control store's record: who is primary of which generation, and whether the other is in the in-sync set too. */
byte record_generation = 1;
bit record_primary = 0;
bit record_both = 1;
/* Proposals of the record's primary, of the record's generation, that may arrive yet. */
bit proposed_alone, proposed_join;
#ifdef NO_COMPARE_AND_SET
bit proposer;
#else
#define proposer record_primary
#endif

/* Durable, by replica. The view is (generation, primary, both). */
byte generation[2] = 1;
bit primary[2] = 0;
bit both[2] = 1;
bit complete[2] = 1;
bit candidate_for[2]; /* the generation after its own */
bit asking[2];
bit promoting[2];
byte has[2];

/* In memory, by replica. */
mtype state[2];
bit unstable_known[2] = 1;
bit lease_granted[2]; /* by this one to the other, and not over on this one's clock */
/* As a primary. */
bit lease_held[2];    /* on its own clock */
bit lease_sent[2];    /* the answer to its heartbeat is under way */
byte inflight[2];     /* taken from clients, not yet applied here */
byte answered[2];     /* of those, the ones that the other has */
bit required[2];      /* the other's answers and its lease are waited for */
/* Of the copy to the other. */
byte phase[2];
#define NO_JOIN 0
#define CATCHING_UP 1 /* live writes go to the target */
#define COPIED 2      /* all of the copy was sent */
#define CANDIDATE 3   /* ASKING in the code: required; the target was told */
#define PROPOSED 4    /* ASKING in the code: control may have been told */

/* The connection. An end whose other end is gone may still read what had arrived; what it sends is lost. */
byte end[2] = 1;
#define CLOSED 0
#define OPEN 1
#define HALF 2
bit dialler = 0;
bit ready[2];              /* the dialler's hello was answered */
chan frames[2] = [3] of { mtype, byte, byte }; /* to this replica: kind, generation, content */

/* What an observer of all clients knows. */
byte next_write;
byte promised; /* acknowledged, or shown to a reader: whoever serves has it */
byte orphans;  /* never acknowledged, and their session is gone */
byte absent;   /* orphans that a reader saw to be missing: nobody ever has them */
byte crashes;

/* The frame being read, and the write being applied; cleared after each step. */
mtype heard;
byte heard_generation, heard_content, lowest;

#define leads(r) (state[r] == Recovering || state[r] == Promoting || state[r] == Serving || state[r] == Holding || \
                  state[r] == Solo || state[r] == SteppedDown)
/* It would answer a read now. */
#define answers(r) ((state[r] == Serving || state[r] == Holding || state[r] == Solo) && \
                    (!required[r] || lease_held[r]))
#define takes_writes(r) ((state[r] == Serving || state[r] == Solo) && \
                         (!(required[r] || phase[r] != NO_JOIN) || ready[r]))
#ifdef NO_GENERATION_CHECK
#define same_generation(g) true
#else
#define same_generation(g) ((g) == generation[me])
#endif

/* --- The promises, checked after every step --- */

inline check() {
  assert(!(answers(0) && answers(1)));
  assert(!answers(0) || ((promised & ~has[0]) == 0 && (absent & has[0]) == 0));
  assert(!answers(1) || ((promised & ~has[1]) == 0 && (absent & has[1]) == 0));
  /* Alone, each acknowledges what the other never hears of. */
  assert(!(state[0] == Solo && !required[0] && state[1] == Solo && !required[1]));
  assert(!(generation[0] == generation[1] && primary[0] != primary[1]));
  /* The other member of the set can be promoted: it knows that it may, and it has what was promised. */
  if
  :: record_both ->
    assert((generation[other] == record_generation && complete[other]) ||
           (generation[other] + 1 == record_generation && candidate_for[other]));
    assert((promised & ~has[other]) == 0)
  :: else
  fi
}

/* --- The connection --- */

inline drop_frames(to) {
  do
  :: nempty(frames[to]) -> frames[to]?_, _, _
  :: empty(frames[to]) -> break
  od
}

/* To the other. What is sent into a broken connection is lost, and so may be the last frames of one that breaks. */
inline send(kind, generation_of, content) {
  if
  :: end[me] == OPEN -> frames[peer]!kind, generation_of, content
  :: else
  fi
}

inline close_end() {
  drop_frames(me);
  end[me] = CLOSED;
  ready[me] = 0;
  lease_sent[me] = 0;
  if
  :: end[peer] == OPEN -> end[peer] = HALF
  :: else
  fi
}

/* What a primary does when it loses its connection. */
inline hold_or_fail_join() {
  if
  :: state[me] == Solo && (phase[me] == CATCHING_UP || phase[me] == COPIED) -> phase[me] = NO_JOIN
  :: (state[me] == Serving || state[me] == Solo) && required[me] -> state[me] = Holding
  :: else
  fi
}

inline lose_connection() {
  close_end();
  hold_or_fail_join()
}

inline dial(intent) {
  drop_frames(me);
  drop_frames(peer);
  end[me] = OPEN;
  if
  :: end[peer] == OPEN -> end[peer] = HALF
  :: else
  fi;
  ready[me] = 0;
  dialler = me;
  frames[peer]!intent, generation[me], 0
}

inline refuse() {
  send(refusal, generation[me], primary[me]);
  close_end()
}

/* --- What becomes of a replica --- */

inline forget_primary_memory() {
  orphans = orphans | inflight[me];
  inflight[me] = 0;
  answered[me] = 0;
  required[me] = 0;
  phase[me] = NO_JOIN;
  ready[me] = 0;
  lease_held[me] = 0;
  lease_sent[me] = 0
}

inline go_solo() {
  if
  :: required[me] || phase[me] != NO_JOIN -> close_end()
  :: else
  fi;
  required[me] = 0;
  phase[me] = NO_JOIN;
  answered[me] = 0;
  lease_held[me] = 0;
  state[me] = Solo
}

inline start_recovery() {
  close_end();
#ifndef LEASE_SURVIVES_HANDOVER
  lease_held[me] = 0;
#endif
  required[me] = 1;
  phase[me] = NO_JOIN;
  state[me] = Recovering
}

/* Serves nobody any more; not durable by itself. */
inline fence() {
  if
  :: leads(me) ->
    close_end();
    forget_primary_memory();
    state[me] = Fenced
  :: else
  fi
}

/* A handover is off. The store may still take in a target that it was asked for: that is found out first. */
inline serve_again() {
  if
#ifndef SERVE_AGAIN_WHILE_ASKING
  :: both[me] || asking[me] ->
    start_recovery();
    required[me] = both[me]
#else
  :: both[me] -> start_recovery()
#endif
  :: else -> go_solo()
  fi
}

/* --- Views: what control decided, heard at any later time --- */

inline view_as_primary() {
  generation[me] = record_generation;
  both[me] = record_both;
  asking[me] = 0;
  complete[me] = 1;
  lease_sent[me] = 0; /* of the generation before, and not taken any more */
  if
  :: state[me] == Promoting -> skip
  :: state[me] == SteppedDown && record_both -> start_recovery()
  :: state[me] != Promoting && !record_both -> go_solo()
  :: state[me] == Recovering && record_both -> start_recovery()
  :: state[me] != Promoting && state[me] != SteppedDown && state[me] != Recovering && record_both ->
    /* The target that it asked for. */
    phase[me] = NO_JOIN;
    if
    :: ready[me] ->
      send(view, generation[me], 0);
      state[me] = Serving
    :: else -> state[me] = Holding
    fi
  fi
}

/* A candidate is one for the generation after its own: what promotes it comes after that. */
#define may_promote(r) \
  (record_both == 0 && \
   ((state[r] == Secondary && complete[r] && generation[r] + 1 == record_generation) || \
    (state[r] == Joining && candidate_for[r] && generation[r] + 2 == record_generation)))

inline promoted() {
#ifndef NO_GENERATION_CHECK
  close_end();
#endif
  generation[me] = record_generation;
  primary[me] = me;
  both[me] = 0;
  complete[me] = 1;
  candidate_for[me] = 0;
#ifndef PROMOTING_NOT_DURABLE
  promoting[me] = 1;
#endif
  state[me] = Promoting
}

inline replaced() {
  fence();
  generation[me] = record_generation;
  primary[me] = record_primary;
  both[me] = record_both;
  complete[me] = 0;
  candidate_for[me] = 0;
  asking[me] = 0;
  promoting[me] = 0
}

inline left_out() {
  close_end();
  generation[me] = record_generation;
  primary[me] = record_primary;
  both[me] = 0;
  complete[me] = 0;
  candidate_for[me] = 0;
  if
  :: state[me] == Secondary || state[me] == Joining -> state[me] = Stale
  :: else
  fi
}

inline hear_view() {
  if
  :: record_primary == me && leads(me) -> view_as_primary()
  :: record_primary == me && !leads(me) -> promoted()
  :: record_primary != me && leads(me) -> replaced()
  :: record_primary != me && !leads(me) -> left_out()
  fi
}
/* Everything but this is refused, or confirms what is learnt from the primary itself. */
#define view_matters(r) \
  (record_generation > generation[r] && \
   (leads(r) || (record_primary == r && may_promote(r)) || (record_primary != r && !record_both)))

/* --- Frames --- */

/* The primary's end of a new connection waits for this, whatever became of an older one. */
inline answer_hello(kind, content) {
  if
  :: end[peer] == OPEN && dialler == peer ->
    end[me] = OPEN;
    frames[peer]!kind, generation[me], content
  :: else -> end[me] = HALF
  fi
}

inline refuse_hello() {
  lose_connection();
  if
  :: end[peer] == OPEN && dialler == peer ->
    frames[peer]!refusal, generation[me], primary[me];
    end[peer] = HALF
  :: else
  fi
}

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
  state[me] = Joining;
  answer_hello(hello_answer, 0)
}

inline become_secondary(new_generation) {
  generation[me] = new_generation;
  both[me] = 1;
  complete[me] = 1;
  candidate_for[me] = 0;
  state[me] = Secondary
}

#define follows_hello(r, g) \
  ((state[r] == Secondary && (g) == generation[r]) || \
   (state[r] == Joining && candidate_for[r] && (g) == generation[r] + 1))

inline hear_hello(intent) {
  if
#ifndef NO_GENERATION_CHECK
  :: heard_generation < generation[me] -> refuse_hello()
  :: heard_generation == generation[me] && primary[me] == me -> refuse_hello()
#endif
  :: else ->
    if
    :: intent == join ->
      if
      :: heard_generation <= generation[me] && (leads(me) || (complete[me] && both[me])) -> refuse_hello()
      :: else -> begin_joining()
      fi
    :: intent != join ->
      if
#ifdef NO_GENERATION_CHECK
      :: heard_generation < generation[me] -> answer_hello(hello_answer, has[me] * 2 + unstable_known[me])
#endif
      :: follows_hello(me, heard_generation) && (intent == recover || unstable_known[me]) ->
        if
        :: heard_generation > generation[me] -> become_secondary(heard_generation)
        :: else
        fi;
        answer_hello(hello_answer, has[me] * 2 + unstable_known[me])
      :: else -> refuse_hello()
      fi
    fi
  fi
}

inline send_again() {
  answered[me] = inflight[me] & heard_content / 2;
  lowest = 1;
  do
  :: lowest <= ALL_WRITES ->
    if
    :: (inflight[me] & ~answered[me] & lowest) != 0 -> send(write, generation[me], lowest)
    :: else
    fi;
    lowest = lowest * 2
  :: else -> break
  od;
  lowest = 0
}

inline hear_hello_answer() {
  if
  :: state[me] == Solo ->
    ready[me] = 1;
    phase[me] = CATCHING_UP
  :: state[me] == Recovering && heard_content % 2 == 0 ->
    /* The other restarted too: what may differ is not known. */
    close_end()
  :: state[me] == Recovering && heard_content % 2 == 1 ->
#ifndef SERVE_WITHOUT_PULL
    has[me] = heard_content / 2;
#endif
    ready[me] = 1;
    state[me] = Serving
  :: state[me] == Holding ->
    ready[me] = 1;
    state[me] = Serving;
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

/* From the other, as this replica's primary. */
inline hear_primary() {
  if
  :: heard == view ->
    if
    :: state[me] == Joining && candidate_for[me] && heard_generation == generation[me] + 1 ->
      become_secondary(heard_generation)
    :: else -> refuse()
    fi
  :: heard == refusal -> close_end()
  :: heard != view && heard != refusal && !same_generation(heard_generation) -> refuse()
  :: heard != view && heard != refusal && same_generation(heard_generation) ->
    if
    :: heard == write ->
      has[me] = has[me] | heard_content;
      send(write_answer, 0, heard_content)
    :: heard == copy ->
      has[me] = heard_content;
      send(copy_answer, 0, 0)
    :: heard == candidate ->
      candidate_for[me] = 1;
      send(candidate_answer, 0, 0)
    :: heard == yield -> lease_granted[me] = 0
    :: else -> assert(false)
    fi
  fi
}

/* From the other, as this primary's secondary or target. */
inline hear_secondary() {
  if
  :: heard == hello_answer -> hear_hello_answer()
  :: heard == write_answer -> answered[me] = answered[me] | (inflight[me] & heard_content)
  :: heard == copy_answer ->
    if
    :: state[me] == Solo && phase[me] == COPIED ->
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

inline receive() {
  frames[me]?heard, heard_generation, heard_content;
  if
  :: heard == resume || heard == recover || heard == join -> hear_hello(heard)
  :: heard != resume && heard != recover && heard != join ->
    if
    :: end[me] == CLOSED -> skip
    :: end[me] != CLOSED && dialler == me -> hear_secondary()
    :: end[me] != CLOSED && dialler != me -> hear_primary()
    fi
  fi;
  heard = 0;
  heard_generation = 0;
  heard_content = 0
}

/* --- Processes that die and start --- */

inline die() {
  close_end();
  forget_primary_memory();
  unstable_known[me] = 0;
  lease_granted[me] = 0;
#ifdef CANDIDATE_NOT_DURABLE
  candidate_for[me] = 0;
#endif
  state[me] = Down
}

inline start() {
#ifndef LEASE_FORGOTTEN
  lease_granted[me] = 1;
#endif
  if
  :: primary[me] == me && complete[me] ->
    if
    :: asking[me] || both[me] ->
      state[me] = Recovering;
      required[me] = both[me]
    :: !asking[me] && !both[me] && promoting[me] -> state[me] = Promoting
    :: !asking[me] && !both[me] && !promoting[me] -> state[me] = Solo
    fi
  :: else ->
    if
    :: candidate_for[me] -> state[me] = Joining
    :: !candidate_for[me] && complete[me] -> state[me] = Secondary
    :: !candidate_for[me] && !complete[me] -> state[me] = Stale
    fi
  fi
}

#define lowest_of(set) ((set) & (~(set) + 1))
#define is_links_primary(r) (end[r] != CLOSED && dialler == r)
#ifdef NO_GENERATION_CHECK
#define grants(r) (state[r] != Down && state[r] != Stale && state[r] != Fenced)
#else
#define grants(r) ((state[r] == Secondary || state[r] == Joining) && generation[peer] == generation[r])
#endif

proctype Replica(bit me) {
  do
  :: d_step { nempty(frames[me]) && state[me] != Down && len(frames[peer]) < 2 -> receive(); check() }
  :: d_step { end[me] != CLOSED -> lose_connection(); check() }

  /* A primary dials, and asks for the lease; the other end grants it. */
  :: d_step { end[me] == CLOSED && state[peer] != Down && state[me] == Recovering && required[me] -> dial(recover) }
  :: d_step { end[me] == CLOSED && state[peer] != Down && state[me] == Holding -> dial(resume) }
  :: d_step { end[me] == CLOSED && state[peer] != Down && state[me] == Solo && !required[me] && generation[me] < GENERATIONS -> dial(join) }
  :: d_step {
      end[me] == OPEN && dialler == peer && ready[peer] && grants(me) && !(lease_granted[me] && lease_sent[peer]) &&
      (state[peer] == Serving || state[peer] == Solo) ->
      lease_granted[me] = 1;
      lease_sent[peer] = 1
    }
  :: d_step { lease_sent[me] && end[me] != CLOSED -> lease_sent[me] = 0; lease_held[me] = 1; check() }
  :: d_step { lease_held[me] -> lease_held[me] = 0 }
  /* Over at its holder before: an answer that is still under way comes too late. */
#ifdef LEASE_FROM_THE_WRONG_END
  :: d_step { lease_granted[me] -> lease_granted[me] = 0 }
#else
  :: d_step { lease_granted[me] && !lease_held[peer] -> lease_granted[me] = 0; lease_sent[peer] = 0 }
#endif

  /* Clients. */
  :: d_step {
      takes_writes(me) && next_write < WRITES && len(frames[peer]) < 2 ->
      inflight[me] = inflight[me] | (1 << next_write);
      if
      :: required[me] || phase[me] != NO_JOIN -> send(write, generation[me], 1 << next_write)
      :: else
      fi;
#ifdef APPLY_BEFORE_ANSWER
      has[me] = has[me] | (1 << next_write);
#endif
      next_write++
    }
  :: d_step {
      inflight[me] && (state[me] == Serving || state[me] == Holding || state[me] == Solo) &&
      (!required[me] || (lowest_of(inflight[me]) & answered[me])) ->
      lowest = lowest_of(inflight[me]);
      has[me] = has[me] | lowest;
      promised = promised | lowest;
      inflight[me] = inflight[me] & ~lowest;
      answered[me] = answered[me] & ~lowest;
      lowest = 0;
      check()
    }
  :: d_step {
      answers(me) && ((has[me] & ~promised) || orphans) ->
      promised = promised | has[me];
      absent = absent | (orphans & ~has[me]);
      orphans = 0;
      check()
    }

  /* The copy to a target: read when nothing is in flight, so that live writes come after it in the stream. */
  :: d_step {
      state[me] == Solo && phase[me] == CATCHING_UP && ready[me] && inflight[me] == 0 && len(frames[peer]) < 2 ->
      send(copy, generation[me], has[me]);
      phase[me] = COPIED
    }

  /* Control. */
  :: d_step { state[me] != Down && view_matters(me) && len(frames[peer]) < 2 -> hear_view(); check() }
  :: d_step {
      (state[me] == Holding || state[me] == Recovering) && !ready[me] && !proposed_alone &&
      record_primary == me && record_generation == generation[me] ->
#ifdef NO_COMPARE_AND_SET
      proposer = me;
#endif
      proposed_alone = 1
    }
  :: d_step {
      state[me] == Solo && phase[me] == PROPOSED && !proposed_join &&
      record_primary == me && record_generation == generation[me] ->
#ifdef NO_COMPARE_AND_SET
      proposer = me;
#endif
      proposed_join = 1
    }
#ifdef SOLO_WITHOUT_CONSENT
  :: d_step { state[me] == Holding && !ready[me] -> go_solo(); check() }
#endif

  /* Promotion ends when the last lease that it granted is over. */
#ifdef NO_LEASE_WAIT
  :: d_step { state[me] == Promoting -> state[me] = Solo; promoting[me] = 0; check() }
#else
  :: d_step { state[me] == Promoting && !lease_granted[me] -> state[me] = Solo; promoting[me] = 0; check() }
#endif

  /* A handover, and its undoing: nobody else was chosen after all. */
  :: d_step {
      ((state[me] == Serving && ready[me]) || (state[me] == Solo && (!required[me] || ready[me]))) && len(frames[peer]) < 2 ->
      orphans = orphans | inflight[me];
      inflight[me] = 0;
      answered[me] = 0;
#ifndef LEASE_SURVIVES_HANDOVER
      lease_held[me] = 0;
#endif
      if
      :: required[me] -> send(yield, generation[me], 0)
      :: else
      fi;
      state[me] = SteppedDown;
      check()
    }
  :: d_step {
      state[me] == SteppedDown && record_primary == me && record_generation == generation[me] ->
      serve_again();
      check()
    }

  :: d_step { state[me] == Down -> start(); check() }
  :: d_step { state[me] != Down && crashes < CRASHES -> crashes++; die(); check() }
  /* Its disk failed it. */
  :: d_step { leads(me) && crashes < CRASHES -> crashes++; fence(); check() }
  od
}

/* What was proposed from the generation before is refused from here on. */
inline raise(new_primary, new_both) {
  record_generation++;
  record_primary = new_primary;
  record_both = new_both;
#ifdef NO_COMPARE_AND_SET
  if
  :: record_both -> proposed_join = 0
  :: !record_both && record_primary == proposer -> proposed_alone = 0
  :: else
  fi
#else
  proposed_alone = 0;
  proposed_join = 0
#endif
}

/* The store takes what follows from its record, in any order, and at any time. */
proctype Control() {
  do
  :: d_step { record_both && record_generation < GENERATIONS -> raise(1 - record_primary, 0); check() }
  :: d_step { proposed_alone && record_generation < GENERATIONS -> raise(proposer, 0); check() }
  :: d_step { proposed_join && record_generation < GENERATIONS -> raise(proposer, 1); check() }
  od
}

init {
  atomic {
    state[0] = Serving;
    state[1] = Secondary;
    required[0] = 1;
    ready[0] = 1;
    run Replica(0);
    run Replica(1);
    run Control()
  }
}
