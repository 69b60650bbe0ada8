// Golden traces: each file in traces/ is run and compared with itself. FUSOR_REWRITE=1 writes them
// anew; read the difference before committing it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/worker/core/trace_runner.h"

namespace fusor::agent {
namespace {

std::vector<std::string> TraceFiles() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(FUSOR_TRACES)) {
    if (entry.path().extension() == ".trace") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class AgentTrace : public testing::TestWithParam<std::string> {};

TEST_P(AgentTrace, IsAsRecorded) {
  const std::filesystem::path path = std::filesystem::path(FUSOR_TRACES) / (GetParam() + ".trace");
  std::stringstream recorded;
  recorded << std::ifstream(path).rdbuf();
  const std::string now = TraceRunner().Run(recorded.str());
  if (std::getenv("FUSOR_REWRITE") != nullptr) std::ofstream(path) << now;
  EXPECT_EQ(now, recorded.str());
}

INSTANTIATE_TEST_SUITE_P(All, AgentTrace, testing::ValuesIn(TraceFiles()),
                         [](const auto& trace) { return trace.param; });

}  // namespace
}  // namespace fusor::agent
