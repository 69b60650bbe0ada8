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
sim_mutant(inputs_ignored inputs-first coordinator/core/dependents.cc
  "s/    if (inputs.waiting > 0) waiting = true;//")
sim_mutant(inputs_of_another inputs-are-final coordinator/core/grant.cc
  "s/there.results.find(input)/there.results.begin()/")
sim_mutant(attempt_ids_fall attempt-ids-grow coordinator/core/grant.cc
  "s/const AttemptId id{++world.last_attempt.value};/const AttemptId id{(++world.last_attempt.value ^ 1) + 1};/")
sim_mutant(attempt_ids_repeat legal-attempt-moves coordinator/core/restore.cc
  "s/world.last_attempt = snapshot.last_attempt;//")
sim_mutant(success_forgotten success-is-final coordinator/core/restore.cc
  "s/if (cell.cell < stage.grid->size()) SetCell/if (cell.state != TrialState::kSucceeded) SetCell/")
sim_mutant(outcome_rewritten ended-stays coordinator/core/attempts.cc
  "s/^  turn.Write(row);/  turn.Write(row); row.outcome = OutcomeKind::kReleased; turn.Write(row);/")
sim_mutant(outcome_not_kept only-the-newest-finishes coordinator/core/attempts.cc
  "s/row.outcome = end.outcome.kind;/row.outcome = OutcomeKind::kReleased;/")
sim_mutant(events_skip events-count-up coordinator/core/world.cc
  "s/++world.last_event.value/world.last_event.value += 2/")
sim_mutant(grant_not_stored persist-before-send coordinator/core/grant.cc
  "s/^  turn.Write(attempt.row);//")
sim_mutant(sweep_not_stored known-sweep coordinator/core/sweep_requests.cc
  "/^void OnSubmit/,/^}/s/turn.Write(/(void)(/")
sim_mutant(request_forgotten submitted-once coordinator/core/sweep_requests.cc
  "s/if (AnswerRepeat(turn, submit.request)) return;//")
sim_mutant(submit_refused sweeps-are-accepted coordinator/core/sweep_requests.cc
  "s/submit.spec->stages.empty()/submit.spec->stages.size() > 1/")
sim_mutant(steps_cut messages-make-sense proto/session_convert.cc
  "s/Add(in.steps.begin(), in.steps.end())/Add(in.steps.begin(), in.steps.end() - 1)/")
sim_mutant(own_incarnation_refused agents-go-on coordinator/core/workers.cc
  "s/hello.info.incarnation < worker.info.incarnation/hello.info.incarnation <= worker.info.incarnation/")
sim_mutant(final_again final-is-last worker/core/tasks.cc
  "s/^  task.state = TaskState::kEnded;//")
sim_mutant(names_without_cell trials-have-names coordinator/core/trials.cc
  "s/ + stage.spec->name + / + /")
sim_mutant(values_lost series-true proto/session_from_wire.cc
  "s/out.values.emplace_back(at, at + steps)/out.values.emplace_back(steps, 0.0)/")
sim_mutant(second_grant one-live-attempt coordinator/core/attempts.cc
  "/^void CloseAttempt/,/^}/{s/^  row.state = end.state;//;s/^  row.ended = turn.now;//;}")
sim_mutant(directory_of_a_process directories-outlive-processes worker/core/tasks.cc
  "s/  if (task.state != TaskState::kFinishing || .SlotSettled(task)) return;/  if (task.dropped) { task.gone = true; return; } &/;s/if (slot == slots.end() || slot->second.occupant != task.key) Do(/Do(/")
sim_mutant(text_that_is_none messages-parse proto/session_convert.cc
  "s/to.set_reason(in.reason);/to.set_reason(\\\"\\\\xff\\\" + in.reason);/")
sim_mutant(missing_attempt_thrown nothing-throws coordinator/core/attempts.cc
  "s/return found == world.attempts.end() ? nullptr : found->second.get();/return world.attempts.at(id).get() + (found->first.value - id.value);/")
