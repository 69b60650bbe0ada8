#pragma once

// Runs commands against a fake coordinator and keeps what they print.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "client/commands/run.h"
#include "client/terminal/environment.h"
#include "tests/unit/client/fake_coordinator.h"

namespace fusor::client {

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    std::string name = (std::filesystem::temp_directory_path() / "fusor-client-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    WriteFile("data/endpoint", "grpc=" + fake_.address() + "\nhttp=127.0.0.1:1\npid=1\n");
    WriteFile("data/token", std::string(kFakeToken) + "\n");
  }
  ~CommandTest() override { std::filesystem::remove_all(folder_); }

  // With the fake coordinator's data folder as FUSOR_HOME.
  Ran Run(const std::vector<std::string>& words, const std::string& input = "") {
    variables_["FUSOR_HOME"] = (folder_ / "data").string();
    Ran ran = RunAlone(words, input);
    variables_.erase("FUSOR_HOME");
    return ran;
  }

  Ran RunAlone(const std::vector<std::string>& words, const std::string& input = "") {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(input);
    Environment environment;
    environment.out = &out;
    environment.err = &err;
    environment.in = &in;
    environment.in_is_terminal = !input.empty();
    environment.terminal = [this] { return terminal_; };
    environment.variables = variables_;
    environment.now = [] { return kNow; };
    environment.program = folder_ / "bin" / "fusor";
    environment.directory = folder_;
    Ran ran;
    ran.code = RunFusor(words, environment);
    ran.out = out.str();
    ran.err = err.str();
    return ran;
  }

  void WriteFile(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path, std::ios::binary) << text;
  }
  std::string ReadFile(const std::filesystem::path& path) const {
    std::ifstream in(folder_ / path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  static constexpr Time kNow = Time(Duration(1'750'000'000'000));

  FakeCoordinator fake_;
  std::filesystem::path folder_;
  Terminal terminal_;
  std::map<std::string, std::string> variables_ = {{"LANG", "C.UTF-8"}};
};

// A sweep of one stage "fit" with these counts, submitted a minute before kNow.
v1::Sweep MakeSweep(std::uint64_t id, const std::string& name, v1::SweepState state,
                    const std::map<v1::TrialState, std::uint64_t>& counts);

}  // namespace fusor::client
