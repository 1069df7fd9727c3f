#pragma once

// A client's socket for tests that look at single bytes and at how a connection ends. Reads end
// with an error after some seconds, so that a broken test does not hang. Only tests include this.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace k8s::fakeapiserver {

class RawSocket {
 public:
  explicit RawSocket(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) error_ = errno;
  }
  ~RawSocket() { ::close(fd_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  // Of connect, or of the last read; 0: none.
  int error() const { return error_; }

  void Write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }

  // Until the text has come; all that has come so far.
  const std::string& ReadUntil(std::string_view text) {
    while (received_.find(text) == std::string::npos && Read()) {
    }
    return received_;
  }
  // To the end, which is "FIN", "RST" or the number of another error.
  std::string ReadToEnd() {
    while (Read()) {
    }
    if (error_ == 0) return "FIN";
    return error_ == ECONNRESET ? "RST" : std::to_string(error_);
  }
  const std::string& received() const { return received_; }
  void EndOutput() const { ::shutdown(fd_, SHUT_WR); }

 private:
  bool Read() {
    char buffer[4096];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0) error_ = errno;
    if (n > 0) received_.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }

  int fd_;
  int error_ = 0;
  std::string received_;
};

}  // namespace k8s::fakeapiserver
