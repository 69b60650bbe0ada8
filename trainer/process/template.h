#pragma once

// The template process: has the libraries loaded, runs no operator, has one thread, and forks
// trials on request (docs/trainer_contract.md, "The template").
//
//   agent --packet--> template --fork--> middle --fork--> trial
//                                          |  answers {"spawn","pid"}, ends
//                     template reaps the middle; the trial's parent is now the agent
//                     template --gate--> trial: it asks for the parent-death signal and goes on
//
// The gate is what makes the order certain: a signal asked for while the middle still lives would
// come at the middle's end.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "trainer/process/packet.h"

namespace fusor {

struct TemplateOptions {
  int socket = 3;
  std::string program;   // name and version, for the ready packet
  std::string libtorch;  // version
  std::string cuda;      // what the plug-in said; empty without it
  // Runs in the trial's process, with descriptors and limits in place; returns its exit status.
  std::function<int(const std::string& job_path)> run;
};

// Serves until the socket closes. Returns an exit status; a forked trial never returns from here.
int ServeTemplate(const TemplateOptions& options);

}  // namespace fusor
