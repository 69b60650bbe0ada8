#pragma once

// The writer's connection with its lock. Readers have connections of their own; only in exclusive
// mode, where SQLite admits one connection, they take turns with the writer on this one.

#include <mutex>

#include "coordinator/store/sqlite.h"

namespace fusor {

struct ConnectionGate {
  explicit ConnectionGate(sql::Database opened) : database(std::move(opened)) {}

  sql::Database database;
  std::mutex gate;  // held for a transaction, or for one reader's call
};

// What a reader needs to know of the store it reads.
struct ReadDoor {
  std::filesystem::path file;
  ConnectionGate* shared = nullptr;  // exclusive mode: the connection to share; else none
};

}  // namespace fusor
