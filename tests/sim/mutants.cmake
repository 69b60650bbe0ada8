# One planted bug per oracle: each mutant is the product with one line changed, and its test passes when the
# named oracle catches it within 2,000 worlds. A mutated file's symbols win over the library's.
#
#   sim_mutant(NAME oracle-name FILE path s/old/new/)
function(sim_mutant name oracle file change)
  set(mutated ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}.cc)
  set(script ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}.sed)
  file(CONFIGURE OUTPUT ${script} CONTENT "${change}\n" @ONLY)
  add_custom_command(OUTPUT ${mutated}
    COMMAND sed -f ${script} ${CMAKE_SOURCE_DIR}/${file} > ${mutated}
    # A change that no longer applies must not pass for a mutant.
    COMMAND sh -c "! cmp -s '${CMAKE_SOURCE_DIR}/${file}' '${mutated}'"
    DEPENDS ${CMAKE_SOURCE_DIR}/${file} ${script} VERBATIM)
  fusor_program(sim_mutant_${name} SOURCES main.cc ${mutated} LINK fusor_sim)
  target_compile_options(sim_mutant_${name} PRIVATE -w -O1)
  add_test(NAME sim_mutant_${name} COMMAND sim_mutant_${name} --expect ${oracle} --count 2000)
  set_tests_properties(sim_mutant_${name} PROPERTIES TIMEOUT 900 LABELS sim)
endfunction()

sim_mutant(sends_before_commit acknowledged-is-stored coordinator/server/engine.cc
  "s/  Status status = Commit();/  Send(); Status status = Commit();/")
sim_mutant(facts_skip_metrics metrics-before-state coordinator/server/fact_router.cc
  "s/rank.known && !rank.in_metrics && !AnyConcernsMetrics(facts.facts, attempt->number)/rank.known/")
sim_mutant(acknowledges_too_much acknowledged-is-stored coordinator/core/facts.cc
  "s/AckMessage{batch.attempt, batch.rank, cursor}/AckMessage{batch.attempt, batch.rank, cursor + 1}/")
sim_mutant(stored_facts_forgotten inputs-have-files coordinator/core/facts.cc
  "s/if (holder != nullptr) ApplyFrom/if (false) ApplyFrom/")
sim_mutant(wrong_resume_step series-complete coordinator/core/facts.cc
  "s/attempt.row.resumed_from_step = fact.resumed_from_step;/attempt.row.resumed_from_step = -1;/")
sim_mutant(objective_not_rewound objective-counts coordinator/core/facts.cc
  "s/RewindObjective(trial, fact.resumed_from_step);//")
sim_mutant(sleeps_when_freed everything-ends coordinator/core/waiting.cc
  "s/queue.demand->blocked = false;//")
sim_mutant(one_too_many max-running coordinator/core/waiting.cc
  "s/sweep.running < sweep.row.max_running/sweep.running <= sweep.row.max_running/")
sim_mutant(paused_sweeps_start only-running-sweeps-start coordinator/core/waiting.cc
  "s/return sweep.row.state == SweepState::kRunning \\&\\&/return/")
sim_mutant(half_gangs gang-all-or-nothing coordinator/core/placement.cc
  "s/  if (left > 0) return std::nullopt;/  if (left > 1) return std::nullopt;/")
sim_mutant(numbers_repeat attempt-numbers coordinator/core/grant.cc
  "s/row.number = ++trial.row.attempts;/row.number = trial.row.attempts = 1;/")
sim_mutant(slots_mixed_up one-slot-one-attempt coordinator/core/grant.cc
  "s/row.slots.emplace_back(part.worker, slot);/row.slots.emplace_back(part.worker, slot \\& ~1u);/")
sim_mutant(foreign_checkpoint weights-as-undisturbed coordinator/core/grant.cc
  "s/start.resume = CheckpointAt(trial, attempt.resume_step);/static std::optional<CheckpointFact> f; start.resume = CheckpointAt(trial, attempt.resume_step); if (f \\&\\& start.resume) start.resume->files = f->files; else f = start.resume;/")
sim_mutant(fact_numbers_jump facts-count-up worker/core/fact_queue.cc
  "s/Fact fact{.number = ++last_,/Fact fact{.number = last_ += 2,/")
