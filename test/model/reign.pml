/* What becomes of a replica: reigns begin and end, views of control are heard, processes die and start. */

inline forget_primary_memory() {
  orphans = orphans | (inflight[me] & ~promised);
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
  :: required[me] || is_copying(me) -> close_end()
  :: else
  fi;
  required[me] = 0;
  phase[me] = NO_JOIN;
  answered[me] = 0;
  lease_held[me] = 0;
  state[me] = SOLO
}

/* With a member to pull from, or, while it is not known whether there is one, without. */
inline recover_first() {
  close_end();
#ifndef LEASE_SURVIVES_HANDOVER
  lease_held[me] = 0;
#endif
  required[me] = both[me];
  phase[me] = NO_JOIN;
  state[me] = RECOVERING
}

/* Serves nobody any more; that is not durable. */
inline fence() {
  if
  :: leads(me) ->
    close_end();
    forget_primary_memory();
    state[me] = FENCED
  :: else
  fi
}

inline yield_lease() {
#ifndef LEASE_SURVIVES_HANDOVER
  lease_held[me] = 0;
#endif
  if
  :: required[me] && ready[me] -> send(yield, generation[me], 0)
  :: else
  fi
}

inline step_down() {
  orphans = orphans | (inflight[me] & ~promised);
  inflight[me] = 0;
  answered[me] = 0;
  yield_lease();
  state[me] = STEPPED_DOWN
}

/* The handover is off: nobody else was chosen. The store may yet take in a target that it was asked for. */
inline serve_again() {
  if
#ifdef SERVE_AGAIN_WHILE_ASKING
  :: both[me] -> recover_first()
#else
  :: both[me] || asking[me] -> recover_first()
#endif
  :: else -> go_solo()
  fi
}

inline view_as_primary() {
  generation[me] = record_generation;
  both[me] = record_both;
  asking[me] = 0;
  complete[me] = 1;
  lease_sent[me] = 0; /* of the generation before: not taken any more */
  if
  :: state[me] == PROMOTING -> skip
  :: (state[me] == STEPPED_DOWN || state[me] == RECOVERING) && record_both -> recover_first()
  :: state[me] != PROMOTING && !record_both -> go_solo()
  :: else ->
    /* The target that it asked for. */
    phase[me] = NO_JOIN;
    if
    :: ready[me] ->
      send(view, generation[me], 0);
      state[me] = SERVING
    :: else -> state[me] = HOLDING
    fi
  fi
}

/* A candidate is one for the generation after its own; what promotes it comes after that. */
#define may_be_promoted(r) \
  (record_primary == r && !record_both && \
   ((state[r] == SECONDARY && complete[r] && generation[r] + 1 == record_generation) || \
    (state[r] == JOINING && candidate_for[r] && generation[r] + 2 == record_generation)))

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
  state[me] = PROMOTING
}

inline replaced_or_left_out() {
  fence();
  close_end();
  generation[me] = record_generation;
  primary[me] = record_primary;
  both[me] = record_both;
  complete[me] = 0;
  candidate_for[me] = 0;
  asking[me] = 0;
  promoting[me] = 0;
  if
  :: state[me] == SECONDARY || state[me] == JOINING -> state[me] = STALE
  :: else
  fi
}

/* Any other view is refused, or only confirms what a candidate learns from its primary. */
#define view_matters(r) \
  (record_generation > generation[r] && \
   (leads(r) || may_be_promoted(r) || (record_primary != r && !record_both)))

inline hear_view() {
  printf("%c hears of control: ", 'a' + me);
  tell_record();
  if
  :: record_primary == me && leads(me) -> view_as_primary()
  :: record_primary == me && !leads(me) -> promoted()
  :: record_primary != me -> replaced_or_left_out()
  fi
}

inline die() {
  close_end();
  forget_primary_memory();
  unstable_known[me] = 0;
  lease_granted[me] = 0;
#ifdef CANDIDATE_NOT_DURABLE
  candidate_for[me] = 0;
#endif
  state[me] = DOWN
}

/* What was written may be gone from the cache without being on the disk. */
inline fail_flush() {
  spoilt[me] = 1;
  has[me] = 0;
#ifndef FLUSH_FAILURE_FORGOTTEN
  complete[me] = 0;
  candidate_for[me] = 0;
  state[me] = STALE;
#endif
  refuse()
}

inline start() {
#ifndef LEASE_FORGOTTEN
  lease_granted[me] = 1;
#endif
  if
  :: primary[me] == me && complete[me] ->
    if
    :: asking[me] || both[me] -> recover_first()
    :: !asking[me] && !both[me] && promoting[me] -> state[me] = PROMOTING
    :: !asking[me] && !both[me] && !promoting[me] -> state[me] = SOLO
    fi
  :: else ->
    if
    :: candidate_for[me] -> state[me] = JOINING
    :: !candidate_for[me] && complete[me] -> state[me] = SECONDARY
    :: !candidate_for[me] && !complete[me] -> state[me] = STALE
    fi
  fi;
  printf("%c starts, %e of generation %d\n", 'a' + me, state[me], generation[me])
}
