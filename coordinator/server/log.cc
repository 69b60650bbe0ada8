#include "coordinator/server/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace fusor {

namespace {
constexpr std::size_t kLinesWaitingMax = 8'192;
}  // namespace

void StartLogging(const std::string& level) {
  spdlog::init_thread_pool(kLinesWaitingMax, 1);
  auto logger = std::make_shared<spdlog::async_logger>(
      "fusord", std::make_shared<spdlog::sinks::stderr_sink_mt>(), spdlog::thread_pool(),
      spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

void StopLogging() { spdlog::shutdown(); }

}  // namespace fusor
