#include "k8s/kubernetes/requests_for_test.h"

TEST(RequestsOfTheFourthPart, AreWhatClientGoSends) { k8s::requests::AreWhatClientGoSends<3>(); }
