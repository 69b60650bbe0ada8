#pragma once

// SHA-256 of streams of bytes, by OpenSSL: several times as fast as the portable one in
// common/base.

#include <memory>
#include <string>
#include <string_view>

extern "C" {
struct evp_md_ctx_st;
}

namespace fusor {

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) = default;
  Sha256& operator=(Sha256&&) = default;
  ~Sha256();

  void Add(std::string_view bytes);
  // The digest of everything added, in lower-case hex. Nothing may be added afterwards.
  std::string Hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace fusor
