#pragma once

// Names Result and Error for headers that only pass them on.

namespace k8s {

class Error;
template <class T>
class Result;

}  // namespace k8s
