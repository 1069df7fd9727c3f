#pragma once

// A folder of one test's own, removed with everything in it at the end. Only tests include this.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "k8s/base/host.h"

namespace k8s::fakeapiserver {

class ScratchFolder {
 public:
  ScratchFolder() : path_(mkdtemp(template_.data())) {}
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }
  // The path of the file that was written.
  std::string Write(const std::string& name, std::string_view content) const {
    std::string file = path_ + "/" + name;
    RealHost()->WriteFile(file, content).value();
    return file;
  }

 private:
  std::string template_ = (std::filesystem::temp_directory_path() / "fake.XXXXXX").string();
  std::string path_;
};

}  // namespace k8s::fakeapiserver
