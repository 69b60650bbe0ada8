#include "coordinator/server/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>

namespace fusor {

namespace {

constexpr const char* kVersion = "fusord 0.1.0";

struct Raw {
  ServeOptions serve;
  BackupOptions backup;
  RestoreOptions restore;
  VerifyOptions verify;
  PlanOptions plan;
  std::string data;
  std::string listen = "127.0.0.1:7070";
  std::string http;
  std::string lease;
  std::string heartbeat;
  std::string start_deadline;
  std::string stop_deadline;
};

void Declare(CLI::App& app, Raw& raw) {
  app.set_version_flag("--version", kVersion);
  app.add_option("--data", raw.data, "data directory (FUSOR_HOME, else ~/.fusor)");
  app.add_option("--listen", raw.listen, "ADDR[:PORT] for gRPC; port 0 = any")
      ->capture_default_str();
  app.add_option("--http", raw.http, "ADDR[:PORT] for /healthz and /metrics [the next port]");
  app.add_flag("--insecure", raw.serve.insecure,
               "listen beyond this machine although nothing is encrypted yet");
  app.add_flag(
      "--exclusive", raw.serve.exclusive,
      "allow a data directory on a network file system; no other program may read it then");
  app.add_option("--lease", raw.lease, "how long a silent worker keeps its trials [15s]");
  app.add_option("--heartbeat", raw.heartbeat, "how often workers report [3s]");
  app.add_option("--start-deadline", raw.start_deadline,
                 "how long a granted trial may take to appear on its worker [60s]");
  app.add_option("--stop-deadline", raw.stop_deadline, "how long an orderly stop may take [10s]");
  app.add_option("--log-level", raw.serve.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();

  CLI::App* backup = app.add_subcommand("backup", "copy the databases while the daemon runs");
  backup->add_option("DIR", raw.backup.destination, "where to; must not exist or be empty")
      ->required();
  backup->add_flag("--artifacts", raw.backup.with_artifacts, "the artifacts too");
  CLI::App* restore = app.add_subcommand("restore", "make a data directory of a backup");
  restore->add_option("BACKUP", raw.restore.backup)->required();
  CLI::App* verify = app.add_subcommand("verify", "check databases and artifacts");
  verify->add_flag("--deep", raw.verify.deep, "read every page and every artifact's content");
  // Not for people: `fusor plan` starts it where no coordinator runs.
  CLI::App* plan = app.add_subcommand("plan")->group("");
  plan->add_option("--source-file", raw.plan.source_file)->required();
  plan->add_option("--set", raw.plan.overrides)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  for (CLI::App* each : {backup, restore, verify}) {
    each->add_option("--data", raw.data, "data directory (FUSOR_HOME, else ~/.fusor)");
  }
  app.require_subcommand(0, 1);
}

std::filesystem::path DataDirectory(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* home = std::getenv("FUSOR_HOME"); home != nullptr && *home != '\0') return home;
  if (const char* home = std::getenv("HOME"); home != nullptr) {
    return std::filesystem::path(home) / ".fusor";
  }
  return ".fusor";
}

Status Fill(const std::string& text, const char* name, Duration& out) {
  if (text.empty()) return Ok();
  const Result<Duration> parsed = ParseDuration(text);
  if (!parsed.ok()) return InvalidArgument(std::string(name) + ": " + parsed.status().message());
  out = *parsed;
  return Ok();
}

Status CheckServe(const ServeOptions& serve) {
  for (const Address& address : {serve.listen, serve.http}) {
    if (IsLoopback(address) || serve.insecure) continue;
    return InvalidArgument("refusing to listen on " + address.ToString() +
                           ": beyond this machine the token would travel in clear text. Listen on "
                           "127.0.0.1 and use a tunnel, or say --insecure");
  }
  if (serve.heartbeat_every.count() < 10 || serve.lease_length < 2 * serve.heartbeat_every) {
    return InvalidArgument("--lease must be at least twice --heartbeat, which is at least 10ms");
  }
  return Ok();
}

Result<Command> Serve(Raw& raw) {
  Result<Address> listen = ParseAddress(raw.listen, 7070);
  if (!listen.ok()) return InvalidArgument("--listen: " + listen.status().message());
  raw.serve.listen = *listen;
  const int next = listen->port == 0 ? 0 : listen->port + 1;
  Result<Address> http =
      ParseAddress(raw.http.empty() ? listen->host : raw.http, static_cast<std::uint16_t>(next));
  if (!http.ok()) return InvalidArgument("--http: " + http.status().message());
  raw.serve.http = *http;
  raw.serve.data = DataDirectory(raw.data);
  RETURN_IF_ERROR(Fill(raw.lease, "--lease", raw.serve.lease_length));
  RETURN_IF_ERROR(Fill(raw.heartbeat, "--heartbeat", raw.serve.heartbeat_every));
  RETURN_IF_ERROR(Fill(raw.start_deadline, "--start-deadline", raw.serve.start_deadline));
  RETURN_IF_ERROR(Fill(raw.stop_deadline, "--stop-deadline", raw.serve.stop_deadline));
  RETURN_IF_ERROR(CheckServe(raw.serve));
  return Command(raw.serve);
}

}  // namespace

Result<Duration> ParseDuration(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const double factor = unit == "ms"                  ? 1
                        : unit.empty() || unit == "s" ? 1'000
                        : unit == "m"                 ? 60'000
                        : unit == "h"                 ? 3'600'000
                                                      : 0;
  if (error != std::errc() || factor == 0 || !(number >= 0) || number * factor > 1e12) {
    return InvalidArgument("'" + text + "' is no duration; write 500ms, 15s, 2m or 1h");
  }
  return Duration(static_cast<std::int64_t>(number * factor));
}

Result<Command> ParseCommandLine(int argc, const char* const* argv) {
  Raw raw;
  CLI::App app("fusord: the coordinator of Fusor", "fusord");
  Declare(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);
    return Command(Nothing{});
  } catch (const CLI::ParseError& error) {
    return InvalidArgument(std::string(error.what()) + " (see fusord --help)");
  }
  if (app.got_subcommand("plan")) return Command(raw.plan);
  if (app.got_subcommand("backup")) {
    raw.backup.data = DataDirectory(raw.data);
    return Command(raw.backup);
  }
  if (app.got_subcommand("restore")) {
    raw.restore.data = DataDirectory(raw.data);
    return Command(raw.restore);
  }
  if (app.got_subcommand("verify")) {
    raw.verify.data = DataDirectory(raw.data);
    return Command(raw.verify);
  }
  return Serve(raw);
}

}  // namespace fusor
