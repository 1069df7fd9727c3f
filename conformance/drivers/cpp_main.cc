// The driver of this repository's client as a program, over sockets: PROTOCOL.md.

#include <iostream>
#include <string>

#include "conformance/drivers/cpp.h"
#include "k8s/machinery/json.h"

int main() {
  std::cout << k8s::ToJson(k8s::conformance::CppHello()) << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto task = k8s::ParseJson(line);
    if (!task) {
      std::cerr << "conformance_cpp: " << task.error() << "\n";
      return 1;
    }
    std::cout << k8s::ToJson(k8s::conformance::PlayCpp(*task, {})) << std::endl;
  }
  return 0;
}
