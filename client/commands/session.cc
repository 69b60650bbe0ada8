#include "client/commands/session.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include "client/format/text.h"
#include "client/format/width.h"
#include "client/link/request_id.h"
#include "common/base/limits.h"

namespace fusor::client {

namespace {

// A coordinator that was just started is there; on a busy machine it may take its time to answer.
constexpr Duration kStartedPatience{30'000};

// What lists the things of which the coordinator says that one is not there.
std::string WhereToLook(std::string_view message) {
  if (message.starts_with("no sweep") || message.starts_with("there are no sweeps")) {
    return "\nfusor ls lists the sweeps";
  }
  if (message.starts_with("no worker")) return "\nfusor workers lists them";
  const bool is_trial = message.starts_with("no trial") || message.starts_with("cell ");
  if (is_trial) return "\nfusor trials SWEEP lists them";
  return message.find("no stage") != std::string_view::npos ? "\nfusor show SWEEP lists the stages"
                                                            : "";
}

std::unique_ptr<Api> MakeApi(const Target& target, Duration patience) {
  Api::Options options;
  options.address = target.address;
  options.token = target.token;
  options.patience_first = patience;
  return std::make_unique<Api>(std::move(options));
}

}  // namespace

Session::Session(const Environment& environment, const ParsedCommand& parsed,
                 const std::vector<CommandSpec>& commands)
    : environment_(environment),
      parsed_(parsed),
      commands_(commands),
      output_(parsed.global.output.value_or(parsed.command->outputs.front())),
      look_(LookOf(environment, parsed.global.no_colour)) {}

Look Session::err_look() const {
  Look look = look_;
  look.colour = environment_.err_is_terminal && !parsed_.global.no_colour &&
                environment_.Variable("NO_COLOR").empty();
  return look;
}

TargetQuestion Session::Question() const {
  TargetQuestion question;
  question.data = parsed_.global.data;
  question.coordinator = parsed_.global.coordinator;
  question.token_file = parsed_.global.token_file;
  question.variable = [this](const std::string& name) { return environment_.Variable(name); };
  question.directory = environment_.directory;
  return question;
}

Result<Api*> Session::Connect() {
  if (api_ == nullptr) {
    const Result<Target> target = FindTarget(Question());
    if (!target.ok()) return target.status();
    target_ = *target;
    api_ = MakeApi(*target, Api::Options().patience_first);
  }
  return api_.get();
}

Api* Session::ConnectTo(const Target& target) {
  target_ = target;
  api_ = MakeApi(target, kStartedPatience);
  return api_.get();
}

Status Session::Advise(const Status& status) const {
  if (api_ == nullptr || api_->canceled()) return status;
  if (status.code() == Code::kUnavailable && !api_->IsConnected()) {
    return Unreachable(target_.address, target_.data, status.message());
  }
  if (status.code() == Code::kUnauthenticated) {
    return Unauthenticated("the coordinator at " + target_.address + " refused the token (" +
                           status.message() +
                           ")\nsay --data DIR or --token-file FILE: the token is " +
                           "in the file `token` of its data folder");
  }
  if (status.code() == Code::kNotFound && status.message().find('\n') == std::string::npos) {
    return NotFound(status.message() + WhereToLook(status.message()));
  }
  return status;
}

std::string Session::RequestId() const {
  const std::string given = arguments().Text("request-id");
  return given.empty() ? NewRequestId() : given;
}

std::string Session::TargetWords() const {
  std::string words;
  const auto add = [&words](std::string_view name, const std::string& value) {
    if (!value.empty()) words += " --" + std::string(name) + " " + ShellWord(value);
  };
  add("data", parsed_.global.data);
  add("coordinator", parsed_.global.coordinator);
  add("token-file", parsed_.global.token_file);
  return words;
}

void Session::Next(std::initializer_list<std::string> commands) const {
  if (!for_people()) return;
  constexpr std::string_view kComment = "  # ";
  struct Line {
    std::string words;
    std::string comment;
  };
  std::vector<Line> lines;
  std::size_t width = 0;
  for (const std::string& command : commands) {
    const std::size_t at = command.rfind(kComment);
    Line line = {command.substr(0, at), ""};
    if (line.words.starts_with("fusor ")) line.words += TargetWords();
    if (at != std::string::npos) {
      line.comment = command.substr(at + kComment.size());
      width = std::max(width, DisplayWidth(line.words));
    }
    lines.push_back(std::move(line));
  }
  out() << "\n";
  for (const Line& line : lines) {
    const std::string words = line.comment.empty() ? line.words : PadRight(line.words, width);
    out() << "  " << look_.Paint(words, Style::kActive);
    if (!line.comment.empty()) out() << "  " << look_.Paint("# " + line.comment, Style::kFaint);
    out() << "\n";
  }
}

void Session::Show(const Json& json, const std::string& text) const {
  out() << (output_ == Output::kJson ? json.Pretty() + "\n" : text) << std::flush;
}

void Session::Report(const Json& json, const std::string& text,
                     const std::vector<std::string>& ids) const {
  if (output_ == Output::kId) {
    out() << Join(ids, "\n") << std::endl;
  } else {
    Show(json, text + "\n");
  }
}

Result<std::string> ReadSource(const Session& session, const std::string& file) {
  std::string source;
  if (file == "-") {
    std::istream& in = *session.environment().in;
    source.assign(std::istreambuf_iterator<char>(in), {});
  } else {
    std::error_code error;
    const std::filesystem::path path = session.environment().directory / file;
    if (std::filesystem::is_directory(path, error)) return InvalidArgument(file + " is a folder");
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      return InvalidArgument(
          "cannot read " + file + ": " +
          (std::filesystem::exists(path, error) ? "no permission" : "there is no such file"));
    }
    source.assign(std::istreambuf_iterator<char>(in), {});
  }
  if (source.size() > limits::kSweepFileBytesMax) {
    return InvalidArgument(file + " is larger than a sweep file may be (" +
                           BytesText(limits::kSweepFileBytesMax) + ")");
  }
  return source;
}

}  // namespace fusor::client
