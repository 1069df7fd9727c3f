// Prints a CronTab, an object of an API of one's own, for kubectl apply --filename -.

#include <iostream>

#include "k8s/api/stablev1.h"
#include "k8s/machinery/json_codec.h"

int main() {
  const k8s::stablev1::CronTab nightly{
      .metadata = {.name = "nightly"},
      .spec = {.cronSpec = "0 3 * * *", .image = "backup:1", .replicas = 1}};
  std::string text;
  k8s::EncodeJson(k8s::TypeOf<k8s::stablev1::CronTab>(), &nightly,
                  {"stable.example.com/v1", "CronTab"}, text);
  std::cout << text << '\n';
}
