#pragma once

// Workers come, say what they have, drain and go.

#include <string>

#include "coordinator/core/world.h"

namespace fusor::core {

void OnStreamOpened(Turn& turn, SessionId session);
void OnStreamClosed(Turn& turn, SessionId session);
void OnHello(Turn& turn, SessionId session, const HelloMessage& hello);
void OnInfo(Turn& turn, Worker& worker, const WorkerInfo& info);
void OnSlot(Turn& turn, Worker& worker, const SlotMessage& message);
void OnLeaving(Turn& turn, Worker& worker, const LeavingMessage& message);

// The worker of an open stream that said Hello; null when there is none.
Worker* WorkerOf(World& world, SessionId session);

void WriteWorker(Turn& turn, const Worker& worker);

// Takes over what the worker now says of itself; slots in use stay known until they are free.
void SetInfo(Worker& worker, const WorkerInfo& info);

// At its drain's deadline: what runs there checkpoints and is handed back.
void EnforceDrain(Turn& turn, Worker& worker);

}  // namespace fusor::core
