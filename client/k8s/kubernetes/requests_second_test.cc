#include "k8s/kubernetes/requests_for_test.h"

TEST(RequestsOfTheSecondPart, AreWhatClientGoSends) { k8s::requests::AreWhatClientGoSends<1>(); }
