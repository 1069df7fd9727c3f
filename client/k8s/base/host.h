#pragma once

// The process's environment variables and the files of its machine, one door. Members may be called
// from any thread. Errors name the file and the reason ("open ca.crt: no such file or directory").

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/base/clock.h"

namespace k8s {

class Host {
 public:
  virtual ~Host() = default;
  virtual std::optional<std::string> GetEnv(const std::string& name) const = 0;
  // The whole file; at most kMaxFileBytes.
  virtual Result<std::string> ReadFile(const std::string& path) const = 0;
  // Replaces the file as a whole, so that no reader sees half of it. mode as in chmod.
  virtual Result<void> WriteFile(const std::string& path, std::string_view content,
                                 int mode = 0600) const = 0;
  virtual bool Exists(const std::string& path) const = 0;
  virtual bool IsDirectory(const std::string& path) const = 0;
  // Names of the directory's entries, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> ListDirectory(const std::string& path) const = 0;
  virtual std::string WorkingDirectory() const = 0;
  virtual std::string ProgramName() const = 0;  // base name of argv[0], "" when unknown
};

inline constexpr size_t kMaxFileBytes = size_t{256} << 20;

std::shared_ptr<Host> RealHost();

}  // namespace k8s
