#include "k8s/kubernetes/requests_for_test.h"

TEST(RequestsOfTheThirdPart, AreWhatClientGoSends) { k8s::requests::AreWhatClientGoSends<2>(); }
