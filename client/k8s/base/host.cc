#include "k8s/base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "k8s/base/strings.h"

namespace k8s {
namespace {

Error FileError(std::string_view what, const std::string& path, int number) {
  std::string reason = std::generic_category().message(number);
  if (!reason.empty()) reason = ToLower(reason.substr(0, 1)) + reason.substr(1);
  return ConfigError(Cat(what, " ", path, ": ", reason));
}

class SystemHost final : public Host {
 public:
  std::optional<std::string> GetEnv(const std::string& name) const override {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  }

  Result<std::string> ReadFile(const std::string& path) const override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return FileError("open", path, errno);
    std::string content;
    char buffer[16384];
    ssize_t n;
    while ((n = ::read(fd, buffer, sizeof buffer)) > 0 && content.size() < kMaxFileBytes) {
      content.append(buffer, static_cast<size_t>(n));
    }
    const int failure = n < 0 ? errno : 0;
    ::close(fd);
    if (failure != 0) return FileError("read", path, failure);
    if (n > 0) return ConfigError(Cat("read ", path, ": larger than 256 MiB"));
    return content;
  }

  Result<void> WriteFile(const std::string& path, std::string_view content,
                         int mode) const override {
    const std::string fresh = Cat(path, ".", std::to_string(::getpid()), ".tmp");
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return FileError("create", path, errno);
    int failure = 0;
    while (!content.empty() && failure == 0) {
      const ssize_t n = ::write(fd, content.data(), content.size());
      if (n < 0) {
        if (errno != EINTR) failure = errno;
        continue;
      }
      content.remove_prefix(static_cast<size_t>(n));
    }
    if (::close(fd) != 0 && failure == 0) failure = errno;
    if (failure == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) failure = errno;
    if (failure == 0) return {};
    ::unlink(fresh.c_str());
    return FileError("write", path, failure);
  }

  bool Exists(const std::string& path) const override {
    struct stat info;
    return ::stat(path.c_str(), &info) == 0;
  }

  bool IsDirectory(const std::string& path) const override {
    struct stat info;
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  }

  Result<std::vector<std::string>> ListDirectory(const std::string& path) const override {
    std::error_code failure;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator it(path, failure), end; !failure && it != end;
         it.increment(failure)) {
      names.push_back(it->path().filename().string());
    }
    if (failure) return FileError("open", path, failure.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string WorkingDirectory() const override {
    std::error_code failure;
    return std::filesystem::current_path(failure).string();
  }

  std::string ProgramName() const override {
    return program_invocation_short_name != nullptr ? program_invocation_short_name : "";
  }
};

}  // namespace

std::shared_ptr<Host> RealHost() {
  static const auto host = std::make_shared<SystemHost>();
  return host;
}

}  // namespace k8s
