// The small HTTP server: what it answers, and that nobody who talks nonsense disturbs the others.

#include "coordinator/web/http_server.h"

#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "tests/harness/wait.h"

namespace fusor {
namespace {

namespace asio = boost::asio;

class HttpServerTest : public testing::Test {
 protected:
  void Start(std::size_t connections_max = 64) {
    HttpServer::Options options;
    options.connections_max = connections_max;
    auto server = HttpServer::Listen(options, [](const HttpRequest& request) {
      if (request.path == "/secret" && request.authorization != "Bearer x") return HttpReply{401};
      if (request.path != "/hello") return HttpReply{404};
      return HttpReply{200, "text/plain", "hello\n"};
    });
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(*server);
    server_->Start();
  }

  asio::ip::tcp::socket Connect() {
    asio::ip::tcp::socket socket(io_);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
    return socket;
  }
  // Everything until the server closes the connection.
  std::string Talk(const std::string& text) {
    asio::ip::tcp::socket socket = Connect();
    boost::system::error_code error;
    asio::write(socket, asio::buffer(text), error);
    std::string reply;
    asio::read(socket, asio::dynamic_buffer(reply), error);
    return reply;
  }
  std::string Get(const std::string& path, const std::string& more = "") {
    return Talk("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + more + "\r\n");
  }
  bool Serves() { return Get("/hello").starts_with("HTTP/1.1 200"); }

  asio::io_context io_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, Answers) {
  Start();
  const std::string reply = Get("/hello?a=b");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200")) << reply;
  EXPECT_TRUE(reply.ends_with("\r\n\r\nhello\n")) << reply;
  EXPECT_NE(reply.find("no-store"), std::string::npos);
  EXPECT_TRUE(Get("/nothing").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(Get("/secret").starts_with("HTTP/1.1 401"));
  EXPECT_TRUE(Get("/secret", "Authorization: Bearer x\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(Talk("POST /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                  .starts_with("HTTP/1.1 405"));
}

TEST_F(HttpServerTest, AConnectionServesSeveralRequests) {
  Start();
  asio::ip::tcp::socket socket = Connect();
  for (int i = 0; i < 3; ++i) {
    asio::write(socket, asio::buffer(std::string("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")));
    std::string reply;
    asio::read_until(socket, asio::dynamic_buffer(reply), "hello\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200")) << reply;
  }
}

TEST_F(HttpServerTest, NonsenseEndsOnlyItsOwnConnection) {
  Start();
  asio::ip::tcp::socket waiting = Connect();
  asio::write(waiting, asio::buffer(std::string("GET /hello HTTP/1.1\r\n")));  // and no end
  const auto status = [](const std::string& reply) { return reply.substr(0, 12); };
  EXPECT_EQ(status(Talk("\x16\x03\x01 this is no HTTP\r\n\r\n")), "HTTP/1.1 400");
  EXPECT_EQ(status(Get("/hello", "X: " + std::string(10'000, 'x') + "\r\n")), "HTTP/1.1 431");
  EXPECT_EQ(status(Get("/hello", "Content-Length: 2000\r\n")), "HTTP/1.1 413");
  EXPECT_TRUE(Serves());
  asio::write(waiting, asio::buffer(std::string("Host: x\r\n\r\n")));
  std::string reply;
  asio::read_until(waiting, asio::dynamic_buffer(reply), "hello\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200")) << reply;
}

TEST_F(HttpServerTest, ConnectionsHaveALimit) {
  Start(2);
  std::vector<asio::ip::tcp::socket> held;
  for (int i = 0; i < 2; ++i) {
    held.push_back(Connect());
    asio::write(held.back(), asio::buffer(std::string("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")));
    std::string reply;
    asio::read_until(held.back(), asio::dynamic_buffer(reply), "hello\n");
  }
  EXPECT_EQ(Get("/hello"), "");  // closed at once
  held.pop_back();
  EXPECT_TRUE(harness::WaitUntil([&] { return Serves(); }, 30));
}

TEST_F(HttpServerTest, APortInUseIsSaid) {
  Start();
  HttpServer::Options options;
  options.port = server_->port();
  const auto second = HttpServer::Listen(options, [](const HttpRequest&) { return HttpReply(); });
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find("--http: cannot listen on 127.0.0.1:"),
            std::string::npos);
}

}  // namespace
}  // namespace fusor
