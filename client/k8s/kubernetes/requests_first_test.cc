#include "k8s/kubernetes/requests_for_test.h"

TEST(RequestsOfTheFirstPart, AreWhatClientGoSends) { k8s::requests::AreWhatClientGoSends<0>(); }
