#include "common/fetch/source.h"

namespace fusor {

namespace {

Source SourceAt(const std::string& address) { return {.address = address, .file = {}}; }

Result<Source> FromAddress(const KnownDataset& dataset, const std::string& from) {
  if (!from.starts_with("http://") && !from.starts_with("https://")) {
    return InvalidArgument("'" + from.substr(0, from.find("://")) +
                           "://' is not fetched from: give an http or https address, or a path");
  }
  return SourceAt(from.ends_with('/') ? from + dataset.ArchiveName() : from);
}

Result<Source> FromPath(const KnownDataset& dataset, const std::string& from) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(from, error);
  if (std::filesystem::is_directory(path, error)) path /= dataset.ArchiveName();
  if (!std::filesystem::is_regular_file(path, error)) {
    return NotFound("no archive of " + dataset.name + " at " + path.string());
  }
  return Source{.address = {}, .file = path};
}

}  // namespace

std::string Source::Shown() const {
  if (address.empty()) return file.string();
  std::string shown = address.substr(0, address.find_first_of("?#"));
  const std::size_t host = shown.find("://") + 3;
  const std::size_t at = shown.substr(0, shown.find('/', host)).rfind('@');
  if (at != std::string::npos && at >= host) shown.erase(host, at + 1 - host);
  return shown;
}

Result<std::vector<Source>> SourcesOf(const KnownDataset& dataset, const std::string& from) {
  std::vector<Source> sources;
  if (from.empty()) {
    for (const std::string& address : dataset.addresses) sources.push_back(SourceAt(address));
    return sources;
  }
  Result<Source> source =
      from.find("://") != std::string::npos ? FromAddress(dataset, from) : FromPath(dataset, from);
  if (!source.ok()) return source.status();
  sources.push_back(std::move(*source));
  return sources;
}

}  // namespace fusor
