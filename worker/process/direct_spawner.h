#pragma once

// Starts a program for each trial: for trials that are not fusor-train, and keep the contract all
// the same.

#include "worker/process/spawner.h"

namespace fusor::agent {

class DirectSpawner : public Spawner {
 public:
  explicit DirectSpawner(std::filesystem::path program) : program_(std::move(program)) {}

  // The calling thread must outlive the process: its parent-death signal follows the thread.
  void Spawn(SpawnRequest request, Answer answer) override;

 private:
  const std::filesystem::path program_;
};

}  // namespace fusor::agent
