#include "common/fetch/download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "common/fetch/file.h"
#include "common/fetch/pause.h"

namespace fusor {

namespace {

constexpr long kConnectSeconds = 20;
constexpr long kRedirectsMax = 10;

bool MayPass(long code) { return code == 408 || code == 429 || code >= 500; }

// One request: the answer's body goes behind what is there already.
class Transfer {
 public:
  Transfer(const DownloadOptions& options, std::uint64_t have)
      : options_(options), have_(have), curl_(curl_easy_init(), curl_easy_cleanup) {}

  // Nothing: the whole file is there. kUnavailable: try again.
  Status Run();

 private:
  void SetUp();
  Status Begin();  // at the body's first bytes
  Status Judge(CURLcode code);
  std::size_t Write(std::string_view bytes);
  void Header(std::string_view line);
  std::string Where() const { return options_.what + " from " + options_.source.Shown(); }

  static std::size_t OnWrite(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->Write({data, size * count});
  }
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
    static_cast<Transfer*>(self)->Header({data, size * count});
    return size * count;
  }
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const auto* transfer = static_cast<const Transfer*>(self);
    transfer->options_.progress(transfer->have_);
    return transfer->options_.stop.stop_requested() ? 1 : 0;
  }

  const DownloadOptions& options_;
  std::uint64_t have_;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
  std::unique_ptr<File> file_;
  std::optional<std::uint64_t> range_start_;  // of the answer
  bool begun_ = false;
  Status failure_;
  char error_[CURL_ERROR_SIZE] = {};
};

void Transfer::SetUp() {
  CURL* curl = curl_.get();
  curl_easy_setopt(curl, CURLOPT_URL, options_.source.address.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kRedirectsMax);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "fusor");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   std::max<long>(1, options_.silence.count() / 1'000));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnWrite);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  // Not CURLOPT_RESUME_FROM: a server that ignores ranges is taken from its beginning instead.
  if (have_ > 0) curl_easy_setopt(curl, CURLOPT_RANGE, (std::to_string(have_) + "-").c_str());
}

Status Transfer::Run() {
  if (curl_ == nullptr) return Internal("libcurl does not start");
  SetUp();
  const CURLcode code = curl_easy_perform(curl_.get());
  file_.reset();
  return Judge(code);
}

void Transfer::Header(std::string_view line) {
  if (line.starts_with("HTTP/")) range_start_.reset();  // of a redirect before
  constexpr std::string_view kName = "content-range:";
  if (line.size() < kName.size()) return;
  const bool is_range = std::equal(kName.begin(), kName.end(), line.begin(), [](char a, char b) {
    return a == std::tolower(static_cast<unsigned char>(b));
  });
  if (!is_range) return;
  const std::string value(line.substr(kName.size()));
  const std::size_t digits = value.find_first_of("0123456789");
  if (digits == std::string::npos) return;
  range_start_ = std::strtoull(value.c_str() + digits, nullptr, 10);
}

Status Transfer::Begin() {
  long code = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &code);
  const bool goes_on = code == 206 && range_start_ == have_;
  if (!goes_on) have_ = 0;
  if (code == 206 && !goes_on && range_start_ != 0U) {
    return Unavailable(Where() + ": the server sent another part than was asked for");
  }
  curl_off_t announced = -1;
  curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
  if (announced >= 0 && have_ + static_cast<std::uint64_t>(announced) != options_.bytes) {
    return DataLoss(Where() + ": what is there has " +
                    std::to_string(have_ + static_cast<std::uint64_t>(announced)) +
                    " bytes, expected " + std::to_string(options_.bytes) +
                    ": another file, or another version of it; give a mirror with --from");
  }
  file_ = std::make_unique<File>(
      open(options_.part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (goes_on ? O_APPEND : O_TRUNC),
           0644));
  return *file_ ? Ok() : FileError("open", options_.part);
}

std::size_t Transfer::Write(std::string_view bytes) {
  if (!begun_) {
    begun_ = true;
    failure_ = Begin();
  }
  if (failure_.ok() && have_ + bytes.size() > options_.bytes) {
    failure_ = DataLoss(Where() + ": more than the expected " + std::to_string(options_.bytes) +
                        " bytes came: another file; give a mirror with --from");
  }
  if (failure_.ok()) failure_ = WriteAll(*file_, options_.part, bytes);
  if (!failure_.ok()) return 0;
  have_ += bytes.size();
  return bytes.size();
}

Status Transfer::Judge(CURLcode code) {
  if (options_.stop.stop_requested()) return Interrupted();
  if (!failure_.ok()) return failure_;
  long http = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &http);
  if (code == CURLE_HTTP_RETURNED_ERROR) {
    if (http == 416) {  // what is there does not fit the file: from the beginning
      unlink(options_.part.c_str());
      return Unavailable(Where() + ": the server has nothing beyond byte " + std::to_string(have_));
    }
    const std::string said = Where() + ": the server answers " + std::to_string(http);
    if (MayPass(http)) return Unavailable(said);
    return NotFound(said + "; give a mirror with --from");
  }
  const std::string why = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OK:
      if (have_ == options_.bytes) return Ok();
      return Unavailable(Where() + ": it ended early");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
      return InvalidArgument(Where() + ": " + why);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return FailedPrecondition(Where() + ": its certificate is not trusted here: " + why);
    default:
      return Unavailable(Where() + ": " + why);
  }
}

std::uint64_t SizeOf(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  return error ? 0 : bytes;
}

Status WithRest(const Status& status, const DownloadOptions& options) {
  const std::uint64_t have = SizeOf(options.part);
  std::string text = status.message() + "; " + std::to_string(have) + " of " +
                     std::to_string(options.bytes) + " bytes are here";
  text += have > 0 ? ", the same command goes on from there" : "; try again, or another address";
  return Unavailable(text);
}

bool KeepsPart(Code code) { return code == Code::kUnavailable || code == Code::kResourceExhausted; }

}  // namespace

Status Download(const DownloadOptions& options) {
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kStarted != CURLE_OK) return Internal("libcurl does not start");
  Duration wait = options.retry_wait;
  std::uint64_t furthest = 0;
  for (int failed = 0;;) {
    std::uint64_t have = SizeOf(options.part);
    if (have == options.bytes) return Ok();
    if (have > options.bytes) {
      unlink(options.part.c_str());
      have = 0;
    }
    Transfer transfer(options, have);
    Status status = transfer.Run();
    if (status.ok()) return status;
    if (!KeepsPart(status.code())) unlink(options.part.c_str());
    if (options.stop.stop_requested() || status.code() != Code::kUnavailable) return status;
    // A server that ignores ranges begins anew each time: only what is beyond counts.
    if (const std::uint64_t now = SizeOf(options.part); now > std::max(furthest, have)) {
      furthest = now;
      failed = 0;
      wait = options.retry_wait;
    }
    if (++failed >= options.tries) return WithRest(status, options);
    if (!Pause(wait, options.stop)) return Interrupted();
    wait *= 2;
  }
}

}  // namespace fusor
