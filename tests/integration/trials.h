#pragma once

// What the tests ask a cluster's databases about the trials of a sweep.

#include <filesystem>
#include <string>
#include <string_view>

#include "tests/integration/cluster.h"

namespace fusor::integration {

// A sweep file with one stage `s` of `probe` on processors; `rest` follows the stage's parameters.
std::string ProbeSweep(const std::string& name, const std::string& params,
                       const std::string& rest = "");

// The three things in which two runs of one sweep agree, however often one of them was interrupted.
// One line for each point, evaluation and final file, in order of trial, name and step.
std::string SeriesOf(const Cluster& cluster, const std::string& sweep);
std::string EvaluationsOf(const Cluster& cluster, const std::string& sweep);
std::string FilesOf(const Cluster& cluster, const std::string& sweep);

// The first line in which they differ, once from each; empty when they are equal.
std::string Difference(std::string_view a, std::string_view b);

// Every trial of the sweep has succeeded, each by exactly one of its attempts; their numbers have
// no holes, and nothing is left granted.
void ExpectEachSucceededOnce(const Cluster& cluster, const std::string& sweep, int trials);

// Everything was delivered and cleared away: no spool of a task and no attempt's directory.
bool NothingLeftIn(const std::filesystem::path& agent);

// Stops the daemon in order and lets `fusord verify --deep` look at what it left.
void ExpectSound(Cluster& cluster);

}  // namespace fusor::integration
