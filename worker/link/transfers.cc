#include "worker/link/transfers.h"

#include <algorithm>
#include <set>
#include <utility>

#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr std::size_t kThreads = 2;

// Of files, by their paths below the directory.
std::vector<std::string> NamesBelow(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error)) {
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(directory));
  }
  std::sort(names.begin(), names.end());
  return names;
}

// It becomes a file's name.
bool IsSha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Transfers::Transfers(Loop& loop, const Channel& channel, FileCache& cache, TransferPlaces places,
                     std::function<void(Event)> emit)
    : loop_(loop),
      cache_(cache),
      client_(channel),
      places_(std::move(places)),
      emit_(std::move(emit)) {
  for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Work(); });
}

Transfers::~Transfers() {
  *alive_ = false;
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
    jobs_.clear();
  }
  for (const auto& [key, cancellation] : open_) cancellation->Cancel();
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Transfers::Perform(const StartUpload& upload) {
  const auto cancellation = std::make_shared<Cancellation>();
  Add({.task = upload.task,
       .staged = upload.staged,
       .cancellation = cancellation,
       .run = [this, upload, cancellation, directory = places_.staged(upload.task, upload.staged)] {
         return RunUpload(upload.task, upload.staged, directory, *cancellation);
       }});
}

void Transfers::Perform(const CancelUpload& cancel) { Cancel(cancel.task, cancel.staged); }

void Transfers::Perform(const FetchFiles& fetch) {
  const auto cancellation = std::make_shared<Cancellation>();
  Add({.task = fetch.task,
       .cancellation = cancellation,
       .run = [this, fetch, cancellation, directory = places_.input(fetch.task)] {
         return RunFetch(fetch, directory, *cancellation);
       }});
}

void Transfers::Forget(TaskKey task) {
  for (const auto& [key, cancellation] : open_) {
    if (key.first == task) cancellation->Cancel();
  }
}

void Transfers::Cancel(TaskKey task, std::optional<StagedId> staged) {
  const auto [first, last] = open_.equal_range({task, staged});
  for (auto at = first; at != last; ++at) at->second->Cancel();
}

void Transfers::Add(Job job) {
  open_.emplace(std::pair(job.task, job.staged), job.cancellation);
  {
    const std::lock_guard lock(mu_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Transfers::Work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mu_);
      wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (ending_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    Event event = job.run();
    loop_.Post([this, alive = alive_, task = job.task, staged = job.staged,
                cancellation = job.cancellation, event = std::move(event)]() mutable {
      if (!*alive) return;
      const auto [first, last] = open_.equal_range({task, staged});
      const auto mine = std::find_if(
          first, last, [&](const auto& entry) { return entry.second == cancellation; });
      if (mine != last) open_.erase(mine);
      emit_(std::move(event));
    });
  }
}

Event Transfers::RunUpload(TaskKey task, StagedId staged, const std::filesystem::path& directory,
                           Cancellation& cancellation) {
  UploadDone done{.task = task, .staged = staged};
  const std::vector<std::string> names = NamesBelow(directory);
  if (names.empty()) {
    return UploadFailed{task, staged, NotFound("the staged files are not there any more")};
  }
  for (const std::string& name : names) {
    Result<StoredFile> file = client_.Upload(directory / name, name, cancellation);
    if (!file.ok()) {
      // The token may be mended; and another call may have brought some of an equal file meanwhile,
      // so that this one was not at its next byte.
      const Code code = file.status().code();
      const bool for_now = code == Code::kUnauthenticated || code == Code::kFailedPrecondition;
      return UploadFailed{task, staged,
                          for_now ? Unavailable(file.status().message()) : file.status()};
    }
    cache_.Keep(directory / name, file->sha256);
    done.files.push_back(std::move(*file));
  }
  return done;
}

Event Transfers::RunFetch(const FetchFiles& fetch, const std::filesystem::path& directory,
                          Cancellation& cancellation) {
  std::vector<StoredFile> files;
  if (fetch.start.resume) files = fetch.start.resume->files;
  for (const InputFiles& input : fetch.start.inputs) {
    files.insert(files.end(), input.files.begin(), input.files.end());
  }
  Status status = MakeDirectory(directory);
  std::set<std::string> here;
  for (const StoredFile& file : files) {
    if (!status.ok()) break;
    if (!here.insert(file.sha256).second) continue;
    if (!IsSha256(file.sha256)) {
      status = InvalidArgument("'" + file.sha256 + "' is no sha256");
      break;
    }
    const std::filesystem::path path = directory / file.sha256;
    if (cache_.Give(file.sha256, path)) continue;
    status = client_.Download(file, path, cancellation);
    if (status.ok()) cache_.Keep(path, file.sha256);
  }
  if (status.ok()) return FetchDone{fetch.task};
  // The token may be mended, the disk may be cleared.
  const bool for_now =
      status.code() == Code::kUnauthenticated || status.code() == Code::kResourceExhausted;
  return FetchFailed{fetch.task, for_now ? Unavailable(status.message()) : status};
}

}  // namespace fusor::agent
