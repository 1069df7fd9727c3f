#pragma once

// A TCP server for tests that need to decide on every byte: it hands each accepted connection to a
// function, on a thread of its own. Only tests include this.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <mutex>
#include <string>

#include "k8s/base/thread.h"

namespace k8s::http {

class RawServer {
 public:
  // `serve` gets a connected socket and its number, counted from 1; it need not close it.
  explicit RawServer(std::function<void(int fd, int number)> serve) : serve_(std::move(serve)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 64);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = Thread(RealClock(), "raw-server", [this](std::stop_token stop) { Accept(stop); });
  }
  ~RawServer() {
    thread_.RequestStop();
    {
      std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    thread_.Join();
    workers_.clear();
    ::close(listener_);
  }

  std::string Address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return count_; }
  int ended() const { return ended_; }

  // Reads until the end of a head (and of a body with a Content-Length of less than 1000 bytes).
  static std::string ReadRequest(int fd) {
    std::string text;
    size_t want = 0;
    char buffer[4096];
    while (want == 0 || text.size() < want) {
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return {};
      text.append(buffer, static_cast<size_t>(n));
      const size_t end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const size_t length = text.find("Content-Length: ");
      want = end + 4 + (length < end ? std::stoul(text.substr(length + 16)) : 0);
    }
    return text;
  }
  static void Write(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  static void Reset(int fd) {
    // Leaves the descriptor valid and sends the RST at once.
    sockaddr unspecified{};
    unspecified.sa_family = AF_UNSPEC;
    ::connect(fd, &unspecified, sizeof unspecified);
  }
  // Until the peer closes.
  static void WaitForPeer(int fd) {
    char byte;
    while (::recv(fd, &byte, 1, 0) > 0) {
    }
  }

 private:
  void Accept(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd polled{listener_, POLLIN, 0};
      if (::poll(&polled, 1, 5) <= 0) continue;
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      const int number = ++count_;
      {
        std::lock_guard lock(mutex_);
        open_.push_back(fd);
      }
      workers_.emplace_back(RealClock(), "raw-worker", [this, fd, number](std::stop_token) {
        serve_(fd, number);
        std::lock_guard lock(mutex_);
        open_.remove(fd);
        ::close(fd);
        ++ended_;
      });
    }
  }

  std::function<void(int, int)> serve_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> count_{0};
  std::atomic<int> ended_{0};
  std::mutex mutex_;
  std::list<int> open_;
  std::list<Thread> workers_;
  Thread thread_;
};

// An answer with a length.
inline std::string Answer(int status, std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace k8s::http
