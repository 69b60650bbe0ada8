#include "client/commands/data_fetch.h"

#include <ostream>
#include <stop_token>

#include "client/format/text.h"
#include "client/terminal/screen.h"
#include "client/terminal/signals.h"
#include "client/view/data_view.h"

namespace fusor::client {

namespace {

constexpr Duration kDrawEvery{100};

// A bar on a terminal, lines elsewhere, nothing for programs.
class Teller {
 public:
  Teller(Session& session, const std::string& name)
      : session_(session), line_(name, session.look()), screen_(session.environment()) {}

  void Tell(const FetchProgress& progress) {
    if (!session_.for_people()) return;
    if (!session_.environment().terminal().is_terminal) {
      if (const auto line = line_.Say(progress)) session_.out() << *line << std::endl;
      return;
    }
    const Time now = session_.now();
    const bool whole = progress.done == progress.total;
    if (drawn_ && !whole && now < *drawn_ + kDrawEvery) return;
    drawn_ = now;
    screen_.Draw({line_.Draw(progress, now)});
  }
  void Erase() {
    if (drawn_) screen_.Erase();
  }

 private:
  Session& session_;
  FetchLine line_;
  Screen screen_;
  std::optional<Time> drawn_;
};

void Report(Session& session, const KnownDataset& dataset, const Fetched& fetched) {
  const std::string folder = fetched.folder.string();
  const std::string text =
      fetched.was_there ? dataset.name + " is already in " + folder
                        : dataset.name + " is in " + folder + ": " +
                              CountOf(fetched.files, "file") + ", " + BytesText(fetched.bytes) +
                              ", " + std::string(ChecksumName(dataset.checksum.kind)) + " verified";
  session.Report(FetchedJson(dataset, fetched), text, {dataset.name});
}

}  // namespace

Result<int> RunFetch(Session& session, const KnownDataset& dataset,
                     const std::filesystem::path& datasets) {
  std::stop_source stop;
  const Signals::Guard guard(session.environment().signals, [&](int, int) { stop.request_stop(); });
  Teller teller(session, dataset.name);
  FetchOptions options;
  options.datasets = datasets;
  options.from = session.arguments().Text("from");
  if (!options.from.empty() && options.from.find("://") == std::string::npos) {
    options.from = (session.environment().directory / options.from).string();
  }
  options.stop = stop.get_token();
  options.progress = [&](const FetchProgress& progress) { teller.Tell(progress); };
  const Result<Fetched> fetched = FetchDataset(dataset, options);
  teller.Erase();
  if (!fetched.ok() && stop.stop_requested()) {
    session.err() << "interrupted; the same command goes on from here\n";
    return kExitInterrupted;
  }
  if (!fetched.ok()) return fetched.status();
  Report(session, dataset, *fetched);
  return kExitOk;
}

}  // namespace fusor::client
