/*
 * Who may serve a volume: lease, generation and promotion of two replicas, for Spin. docs/replication.md is the prose,
 * daemon/replication the code; states are those of states.ts. `npm run model` searches every run of it.
 *
 * What is modelled: the control store (one record, changed by compare-and-set), proposals that arrive late or never,
 * one connection between the replicas (frames in order; either end may find it broken at any time, with frames
 * unread), processes that die and start again (memory is lost, what is durable and what was written is kept), a
 * secondary whose flush failed (what it was written is gone), a primary whose disk failed, writes, reads, the join with its candidate step, the pull of a primary that restarted, a handover with
 * its yield, and its undoing.
 *
 * What is left out, and looked at by the simulator (test/sim): power loss and flushes, dirty maps and fallbacks, a copy
 * and live writes within one region, three replicas, real clocks. A lease here ends at any time, but at its holder no
 * later than at its grantor: that is what the margin in peer.ts is for.
 *
 * Control may promote whoever its record has in the set, at any moment, dead or alive: none of the rules of
 * control/monitor is needed for what is shown here.
 *
 * Every write has a region of its own, so what a replica holds is a set of writes: one bit for each.
 *
 * A macro of the list in mutations.ts takes one rule away; the search then has to find a broken promise.
 */

#ifndef GENERATIONS
#define GENERATIONS 4 /* the last one that the store gives */
#endif
#ifndef FAILURES
#define FAILURES 2 /* processes that die, and disks that fail */
#endif
#ifndef WRITES
#define WRITES 2
#endif

#define peer (1 - me)
#define other (1 - record_primary)

mtype = {
  /* BLANK is STALE here; a process that does not run is DOWN. */
  DOWN, STALE, JOINING, SECONDARY, RECOVERING, PROMOTING, SERVING, HOLDING, SOLO, STEPPED_DOWN, FENCED,
  /* Frames. A hello is named by its intent. */
  resume, recover, join, hello_answer, write, write_answer, copy, copy_answer, candidate, candidate_answer, view, yield,
  refusal
};

/* The control store's record: who is primary of which generation, and whether the other is in the in-sync set too. */
byte record_generation = 1;
bit record_primary = 0;
bit record_both = 1;
/* Proposals of the record's primary, from the record's generation, that may arrive yet. */
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
bit lease_held[2]; /* on its own clock */
bit lease_sent[2]; /* the answer to its heartbeat is under way */
byte inflight[2];  /* taken from clients, not yet applied here */
byte answered[2];  /* of those, the ones that the other has */
bit required[2];   /* the other's answers and its lease are waited for */
byte phase[2];     /* of the copy to the other */
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
bit ready[2]; /* the dialler's hello was answered */
chan frames[2] = [3] of { mtype, byte, byte }; /* to this replica: kind, generation, content */

/* What an observer of all clients knows. */
byte next_write;
byte promised; /* acknowledged, or shown to a reader: whoever serves has it */
byte orphans;  /* never acknowledged, and their session is gone */
byte absent;   /* orphans that a reader saw to be missing: nobody ever has them */
bit spoilt[2]; /* its flush failed, and no copy was begun since */
byte failures;

/* The frame being read, and the write being applied; cleared after each step. */
mtype heard;
byte heard_generation, heard_content, lowest;

#define leads(r) \
  (state[r] == RECOVERING || state[r] == PROMOTING || state[r] == SERVING || state[r] == HOLDING || \
   state[r] == SOLO || state[r] == STEPPED_DOWN)
/* It would answer a read now. */
#define answers(r) \
  ((state[r] == SERVING || state[r] == HOLDING || state[r] == SOLO) && (!required[r] || lease_held[r]))
#define is_copying(r) (phase[r] != NO_JOIN)
#define takes_writes(r) \
  ((state[r] == SERVING || state[r] == SOLO) && (ready[r] || !(required[r] || is_copying(r))))
#define is_alone(r) (state[r] == SOLO && !required[r])
#define room (len(frames[peer]) < 2)

/* Runs that have to exist: searches.ts has the list, and the search has to come to it. */
#define PROMOTED (state[1] == SOLO && generation[1] == 2)
#define TAKEN_IN_AGAIN (state[1] == SERVING && primary[1] == 1 && both[1])
#define MOVED_BACK (state[0] == SOLO && generation[0] == 4)
#define ORPHAN_PULLED (state[0] == SERVING && (has[0] & orphans))
#define ANSWER_NEVER_HEARD (state[0] == RECOVERING && asking[0] && !both[0] && record_both && record_primary == 0)
#define LATE_PROPOSAL (state[0] == SERVING && ready[0] && record_primary == 0 && !record_both)
#define LEFT_BEHIND (state[0] == FENCED && (has[0] & orphans & ~has[1]) && !spoilt[1])

/* The promises, looked at after every step. The comment above an assertion says what it is when it is broken. */
inline check() {
#ifdef HAPPENS
  /* it happens */
  assert(!HAPPENS);
#endif
  /* two replicas acknowledge writes, each alone */
  assert(!(is_alone(0) && is_alone(1)));
  /* two replicas answer reads at once */
  assert(!(answers(0) && answers(1)));
  /* a replica that serves lacks a write that was acknowledged or read */
  assert(!(answers(0) && (promised & ~has[0])) && !(answers(1) && (promised & ~has[1])));
  /* a write is back that a reader saw to be missing */
  assert(!(answers(0) && (absent & has[0])) && !(answers(1) && (absent & has[1])));
  /* two views of one generation name different primaries */
  assert(!(generation[0] == generation[1] && primary[0] != primary[1]));
#ifndef CLIENTS_ONLY
  /* a member of the in-sync set does not know that it may be promoted */
  assert(!record_both || spoilt[other] || (generation[other] == record_generation && complete[other]) ||
         (generation[other] + 1 == record_generation && candidate_for[other]));
  /* a member of the in-sync set lacks a write that was acknowledged or read */
  assert(!record_both || spoilt[other] || (promised & ~has[other]) == 0);
#endif
  skip
}

inline tell_record() {
  if
  :: record_both -> printf("generation %d, %c is primary, both are in the set\n", record_generation, 'a' + record_primary)
  :: else -> printf("generation %d, %c alone\n", record_generation, 'a' + record_primary)
  fi
}

#include "connection.pml"
#include "reign.pml"
#include "frames.pml"

#define lowest_of(set) ((set) & (~(set) + 1))
#define applies(r) (state[r] == SERVING || state[r] == HOLDING || state[r] == SOLO)
#define is_of_the_record(r) (record_primary == r && record_generation == generation[r])
#define may_dial (end[me] == CLOSED && state[peer] != DOWN)
#ifdef NO_GENERATION_CHECK
#define is_granted_by(r) (state[r] != DOWN && state[r] != STALE && state[r] != FENCED)
#else
#define is_granted_by(r) ((state[r] == SECONDARY || state[r] == JOINING) && generation[peer] == generation[r])
#endif
#ifdef NO_LEASE_WAIT
#define may_end_promotion(r) (state[r] == PROMOTING)
#else
#define may_end_promotion(r) (state[r] == PROMOTING && !lease_granted[r])
#endif
#ifdef LEASE_FROM_THE_WRONG_END
#define is_grant_over(r) lease_granted[r]
#else
#define is_grant_over(r) (lease_granted[r] && !lease_held[1 - r])
#endif
#ifdef NO_COMPARE_AND_SET
#define note_proposer() proposer = me
#else
#define note_proposer() skip
#endif

inline take_write() {
  printf("%c takes write %d\n", 'a' + me, next_write);
  inflight[me] = inflight[me] | (1 << next_write);
  if
  :: required[me] || is_copying(me) -> send(write, generation[me], 1 << next_write)
  :: else
  fi;
#ifdef APPLY_BEFORE_ANSWER
  has[me] = has[me] | (1 << next_write);
#endif
  next_write++
}

inline apply_and_acknowledge() {
  lowest = lowest_of(inflight[me]);
  printf("%c acknowledges a write (%d)\n", 'a' + me, lowest);
  has[me] = has[me] | lowest;
  promised = promised | lowest;
  inflight[me] = inflight[me] & ~lowest;
  answered[me] = answered[me] & ~lowest;
  lowest = 0
}

/* Of everything at once. A write that is neither acknowledged nor dead may be seen now or later. */
inline read() {
  printf("%c answers a read with writes %d\n", 'a' + me, has[me]);
  promised = promised | has[me];
  absent = absent | (orphans & ~has[me]);
  orphans = 0
}

proctype Replica(bit me) {
  do
  :: d_step { nempty(frames[me]) && state[me] != DOWN && room -> receive(); check() }
  :: d_step { end[me] != CLOSED -> printf("%c loses the connection\n", 'a' + me); lose_connection(); check() }

  /* A primary dials, and asks for the lease; the other end grants it. */
  :: d_step { may_dial && state[me] == RECOVERING && required[me] -> dial(recover) }
  :: d_step { may_dial && state[me] == HOLDING -> dial(resume) }
  :: d_step { may_dial && state[me] == SOLO && !required[me] && generation[me] < GENERATIONS -> dial(join) }
  :: d_step {
      end[me] == OPEN && dialler == peer && ready[peer] && (state[peer] == SERVING || state[peer] == SOLO) &&
      is_granted_by(me) && !(lease_granted[me] && lease_sent[peer]) ->
      printf("%c grants the lease\n", 'a' + me);
      lease_granted[me] = 1;
      lease_sent[peer] = 1
    }
  :: d_step {
      lease_sent[me] && end[me] != CLOSED ->
      printf("%c holds the lease\n", 'a' + me);
      lease_sent[me] = 0;
      lease_held[me] = 1;
      check()
    }
  :: d_step { lease_held[me] -> printf("%c: the lease that it held is over\n", 'a' + me); lease_held[me] = 0 }
  /* Over at its holder before: an answer that is still under way comes too late. */
  :: d_step {
      is_grant_over(me) ->
      printf("%c: the lease that it granted is over\n", 'a' + me);
      lease_granted[me] = 0;
      if
      :: !lease_held[peer] -> lease_sent[peer] = 0
      :: else
      fi
    }

  /* Clients. */
  :: d_step { takes_writes(me) && next_write < WRITES && room -> take_write(); check() }
  :: d_step {
      inflight[me] && applies(me) && (!required[me] || (lowest_of(inflight[me]) & answered[me])) ->
      apply_and_acknowledge();
      check()
    }
  :: d_step { answers(me) && ((has[me] & ~promised) || orphans) -> read(); check() }

  /* The copy to a target: read when nothing is in flight, so that live writes come after it in the stream. */
  :: d_step {
      state[me] == SOLO && phase[me] == CATCHING_UP && ready[me] && !inflight[me] && room ->
      send(copy, generation[me], has[me]);
      phase[me] = COPIED
    }

  /* Control. What is proposed from another generation than the record's is refused. */
  :: d_step { state[me] != DOWN && view_matters(me) && room -> hear_view(); check() }
  :: d_step {
      (((state[me] == HOLDING || state[me] == RECOVERING) && !ready[me]) ||
       (state[me] == STEPPED_DOWN && phase[me] == PROPOSED)) &&
      !proposed_alone && is_of_the_record(me) ->
      printf("%c proposes itself alone\n", 'a' + me);
      note_proposer();
      proposed_alone = 1
    }
  :: d_step {
      state[me] == SOLO && phase[me] == PROPOSED && !proposed_join && is_of_the_record(me) ->
      printf("%c proposes to take the target in\n", 'a' + me);
      note_proposer();
      proposed_join = 1
    }
#ifdef SOLO_WITHOUT_CONSENT
  :: d_step { state[me] == HOLDING && !ready[me] -> printf("%c goes on alone\n", 'a' + me); go_solo(); check() }
#endif
  :: d_step {
      may_end_promotion(me) ->
      printf("%c serves, promoted\n", 'a' + me);
      state[me] = SOLO;
      promoting[me] = 0;
      check()
    }

  /* A handover, and its undoing. */
  :: d_step {
      (state[me] == SERVING || state[me] == SOLO) && (ready[me] || !required[me]) && room ->
      printf("%c steps down\n", 'a' + me);
      step_down();
      check()
    }
  :: d_step {
      state[me] == STEPPED_DOWN && is_of_the_record(me) ->
      printf("%c is told to serve again\n", 'a' + me);
      serve_again();
      check()
    }

  :: d_step { state[me] == DOWN -> start(); check() }
  :: d_step {
      state[me] != DOWN && failures < FAILURES ->
      printf("%c dies\n", 'a' + me);
      failures++;
      die();
      check()
    }
  :: d_step {
      leads(me) && failures < FAILURES && room ->
      printf("the disk of %c fails\n", 'a' + me);
      failures++;
      yield_lease();
      fence();
      check()
    }
  :: d_step {
      (state[me] == SECONDARY || state[me] == JOINING) && failures < FAILURES && room ->
      printf("a flush of %c fails\n", 'a' + me);
      failures++;
      fail_flush();
      check()
    }
  od
}

/* What was proposed from the generation before is refused from here on. */
inline raise(new_primary, new_both) {
  record_generation++;
  record_primary = new_primary;
  record_both = new_both;
  printf("control decides: ");
  tell_record();
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
  :: d_step { record_both && record_generation < GENERATIONS -> raise(other, 0); check() }
  :: d_step { proposed_alone && record_generation < GENERATIONS -> raise(proposer, 0); check() }
  :: d_step { proposed_join && record_generation < GENERATIONS -> raise(proposer, 1); check() }
  od
}

init {
  atomic {
    state[0] = SERVING;
    state[1] = SECONDARY;
    required[0] = 1;
    ready[0] = 1;
    run Replica(0);
    run Replica(1);
    run Control()
  }
}
