#pragma once

// One line for each thing that happens, key=value, on stderr.

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "worker/core/effect.h"
#include "worker/core/event.h"

namespace fusor::agent {

class Log {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

  explicit Log(const std::string& level);
  ~Log();

  void Info(std::string_view event, Fields fields) const;
  void Warn(std::string_view event, Fields fields) const;
  void Error(std::string_view event, Fields fields) const;

  // What is worth a line of what happens and of what is done; nothing for the rest.
  void Tell(const Event& event) const;
  void Tell(const Effects& effects) const;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace fusor::agent
