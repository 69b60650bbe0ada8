#pragma once

// One run of one command: its words, where it prints, and the coordinator when it needs it.

#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/parser.h"
#include "client/format/look.h"
#include "client/format/table.h"
#include "client/link/api.h"
#include "client/link/endpoint.h"
#include "client/terminal/environment.h"
#include "common/base/status.h"

namespace fusor::client {

class Session {
 public:
  Session(const Environment& environment, const ParsedCommand& parsed,
          const std::vector<CommandSpec>& commands);

  const Environment& environment() const { return environment_; }
  const Arguments& arguments() const { return parsed_.arguments; }
  const std::vector<CommandSpec>& commands() const { return commands_; }
  Output output() const { return output_; }
  bool for_people() const { return output_ == Output::kTable; }
  std::ostream& out() const { return *environment_.out; }
  std::ostream& err() const { return *environment_.err; }
  const Look& look() const { return look_; }
  Look err_look() const;
  Time now() const { return environment_.now(); }

  // The coordinator, connected at the first call. Unavailable says how to start one.
  Result<Api*> Connect();
  // To a coordinator at a known place.
  Api* ConnectTo(const Target& target);
  // Ends the connection and the Api with it: a coordinator that stops waits for those that are
  // open.
  void Disconnect() { api_.reset(); }
  // The status as users should see it: no connection becomes advice.
  Status Advise(const Status& status) const;

  TargetQuestion Question() const;

  // --request-id, or a fresh one.
  std::string RequestId() const;

  // What to type next, below the output, for people only: "WORDS  # COMMENT" each. Commands of this
  // program get the words that found the coordinator, so that they can be typed as they stand.
  void Next(std::initializer_list<std::string> commands) const;

  // One object: JSON as asked, else the text.
  void Show(const Json& json, const std::string& text) const;
  // The same for what was done to `ids`, which are all that -o id prints.
  void Report(const Json& json, const std::string& text, const std::vector<std::string>& ids) const;

 private:
  std::string TargetWords() const;

  const Environment& environment_;
  const ParsedCommand& parsed_;
  const std::vector<CommandSpec>& commands_;
  const Output output_;
  const Look look_;
  Target target_;
  std::unique_ptr<Api> api_;
};

// Reads FILE, "-" being standard input. Refuses what is larger than a sweep file may be.
Result<std::string> ReadSource(const Session& session, const std::string& file);

}  // namespace fusor::client
