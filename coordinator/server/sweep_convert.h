#pragma once

// SweepService's messages.

#include "coordinator/core/snapshot.h"
#include "coordinator/server/gains.h"
#include "coordinator/server/results.h"
#include "coordinator/server/sweep_status.h"
#include "coordinator/spec/plan.h"
#include "coordinator/spec/problem.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor {

v1::Problem ToWire(const SpecProblem& problem);
v1::Sweep ToWire(const SweepStatus& status);

// `fits`: one per class, in the order of stages and classes.
v1::PlanResponse ToWire(const PlanReport& plan, const std::vector<FitReport>& fits);
void AddFileChecks(const SweepSpec& sweep,
                   google::protobuf::RepeatedPtrField<v1::FileCheck>& checks);

v1::ResultTable ToWire(const ResultsTable& table, SweepId sweep);
v1::ExpectationResult ToWire(const ExpectationResult& result, SweepId sweep);

}  // namespace fusor
