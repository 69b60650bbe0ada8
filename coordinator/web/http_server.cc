#include "coordinator/web/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "common/base/limits.h"

namespace fusor {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::seconds kRequestTime{10};
constexpr std::chrono::milliseconds kAcceptRetry{100};
// What a refused client still sends is read and thrown away for so long and so much: closing at
// once would reset the connection and take the answer along.
constexpr std::chrono::seconds kLingerTime{1};
constexpr std::size_t kLingerBytesMax = 1 << 20;

// The status for bytes that are no request we take; 0 when the connection just ended.
unsigned RefusalOf(beast::error_code error) {
  if (error.category() != http::make_error_code(http::error::bad_method).category()) return 0;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  return 400;
}

HttpReply Answer(const http::request<http::string_body>& request,
                 const HttpServer::Handler& handler) {
  if (request.method() != http::verb::get) return {405, "text/plain; charset=utf-8", "GET only\n"};
  HttpRequest plain;
  const beast::string_view target = request.target();
  plain.path = std::string(target.substr(0, target.find('?')));
  const beast::string_view authorization = request[http::field::authorization];
  plain.authorization = std::string(authorization);
  return handler(plain);
}

// One connection, alive while an operation of its own is under way: hence the shared pointer.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // What all connections share, and what outlives them.
  struct Shared {
    const HttpServer::Options options;
    const HttpServer::Handler handler;
    std::size_t open = 0;  // connections
  };

  Connection(tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {
    ++shared_.open;
  }
  ~Connection() { --shared_.open; }

  void Read() {
    parser_.emplace();
    parser_->header_limit(limits::kHttpHeaderBytesMax);
    parser_->body_limit(limits::kHttpBodyBytesMax);
    stream_.expires_after(kRequestTime);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) {
                         self->Write();
                       } else if (const unsigned status = RefusalOf(error); status != 0) {
                         self->Refuse(status);
                       }
                     });
  }

 private:
  void Write() {
    const http::request<http::string_body> request = parser_->release();
    Fill(Answer(request, shared_.handler), request.version());
    response_.keep_alive(request.keep_alive());
    response_.prepare_payload();
    stream_.expires_after(kRequestTime);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error && self->response_.keep_alive()) self->Read();
                      });
  }

  void Refuse(unsigned status) {
    shared_.options.on_refused(status);
    Fill({status, "text/plain; charset=utf-8", "no request that is taken here\n"}, 11);
    response_.keep_alive(false);
    response_.prepare_payload();
    stream_.expires_after(kLingerTime);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (error) return;
                        beast::error_code ignored;
                        self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                        self->Linger(0);
                      });
  }

  void Linger(std::size_t thrown_away) {
    buffer_.clear();
    stream_.async_read_some(
        buffer_.prepare(16 << 10),
        [self = shared_from_this(), thrown_away](beast::error_code error, std::size_t bytes) {
          if (!error && thrown_away < kLingerBytesMax) self->Linger(thrown_away + bytes);
        });
  }

  void Fill(HttpReply reply, unsigned version) {
    response_ = {static_cast<http::status>(reply.status), version};
    response_.set(http::field::content_type, reply.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.body() = std::move(reply.body);
  }

  beast::tcp_stream stream_;
  Shared& shared_;
  beast::flat_buffer buffer_{64 << 10};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

class HttpServer::Listener {
 public:
  Listener(const Options& options, Handler handler) : shared_{options, std::move(handler)} {}
  ~Listener() { Stop(); }

  Status Open() {
    const Options& options = shared_.options;
    boost::system::error_code error;
    const auto address = asio::ip::make_address(options.host, error);
    if (error) return InvalidArgument("--http: '" + options.host + "' is no address");
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return FailedPrecondition("--http: cannot listen on " + options.host + ":" +
                                std::to_string(options.port) + ": " + error.message());
    }
    return Ok();
  }

  void Start() {
    Accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  void Stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      // Beyond the limit the connection is closed at once: the socket goes out of scope.
      if (!error && shared_.open < shared_.options.connections_max) {
        std::make_shared<Connection>(std::move(socket), shared_)->Read();
      }
      if (error == asio::error::operation_aborted) return;
      if (!error) {
        Accept();
        return;
      }
      // Out of descriptors, say: trying at once would only spin.
      retry_.expires_after(kAcceptRetry);
      retry_.async_wait([this](beast::error_code canceled) {
        if (!canceled) Accept();
      });
    });
  }

  Connection::Shared shared_;  // the server's thread's; outlives the connections in io_
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer retry_{io_};
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(const Options& options, Handler handler) {
  auto listener = std::make_unique<Listener>(options, std::move(handler));
  RETURN_IF_ERROR(listener->Open());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

std::uint16_t HttpServer::port() const { return listener_->port(); }
void HttpServer::Start() { listener_->Start(); }
void HttpServer::Stop() { listener_->Stop(); }

}  // namespace fusor
