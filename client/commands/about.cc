// version and completion: about this program.

#include <ostream>

#include "client/cli/completion.h"
#include "client/commands/commands.h"
#include "client/commands/session.h"

namespace fusor::client {

namespace {

Result<int> RunVersion(Session& session) {
  Json json = Json::Object().Set("version", FUSOR_VERSION);
  std::string text = std::string("fusor ") + FUSOR_VERSION + "\n";
  // The coordinator's too, if there is one; none is no error here.
  const Result<Target> target = FindTarget(session.Question());
  if (target.ok()) {
    Api::Options options;
    options.address = target->address;
    options.token = target->token;
    options.deadline = Duration(2'000);
    options.patience_first = Duration(0);
    Api api(std::move(options));
    const Result<v1::GetInfoResponse> info = api.Call(v1::GetInfoRequest());
    if (info.ok()) {
      Json coordinator = Json::Object();
      coordinator.Set("address", target->address).Set("version", info->version());
      coordinator.Set("cluster_id", info->cluster_id()).Set("generation", info->generation());
      coordinator.Set("serving", info->serving()).Set("health", info->health());
      json.Set("coordinator", coordinator);
      text += "fusord " + info->version() + " at " + target->address +
              (info->serving() ? "" : ", not serving: " + info->health()) + "\n";
    } else {
      json.Set("coordinator", Json());
      text += "fusord at " + target->address + " does not answer\n";
    }
  }
  session.Show(json, text);
  return kExitOk;
}

Result<int> RunCompletion(Session& session) {
  const Result<std::string> script =
      CompletionScript(session.commands(), session.arguments().Text("SHELL"));
  if (!script.ok()) return script.status();
  session.out() << *script;
  return kExitOk;
}

}  // namespace

CommandSpec VersionCommand() {
  CommandSpec spec;
  spec.name = "version";
  spec.topic = Topic::kOther;
  spec.help = "the version of this program and of the coordinator";
  spec.outputs = {Output::kTable, Output::kJson};
  spec.run = RunVersion;
  return spec;
}

CommandSpec CompletionCommand() {
  CommandSpec spec;
  spec.name = "completion";
  spec.topic = Topic::kOther;
  spec.help = "the completion script for a shell";
  spec.arguments = {{.name = "SHELL", .help = "bash, zsh or fish", .completes = Completes::kShell}};
  spec.notes =
      "  source <(fusor completion bash)   in ~/.bashrc\n"
      "  source <(fusor completion zsh)    in ~/.zshrc\n"
      "  fusor completion fish | source    in ~/.config/fish/config.fish\n";
  spec.run = RunCompletion;
  return spec;
}

}  // namespace fusor::client
