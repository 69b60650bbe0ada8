#pragma once

// So that no gang starves: one that has waited for gang_patience gets the slots that free up on
// chosen workers, until it fits. Demands of higher priority go first. Two reservations never share
// a group of slots, so they cannot hold what the other one needs.

#include "coordinator/core/world.h"

namespace fusor::core {

// Starts gangs whose reservation is complete, keeps free slots for those that wait.
void ServeReservations(Turn& turn);

// When the next gang loses its patience; kNever when none waits.
Time NextReservation(const World& world);

}  // namespace fusor::core
