#pragma once

// Discovery that remembers: discovery/cached/memory of client-go (chapter 8.5). Any thread may use
// it; while one asks the server, the others wait for what it learns.

#include <memory>

#include "k8s/discovery/client.h"

namespace k8s::discovery {

class CachedInterface : public Interface {
 public:
  // Whoever misses something need not ask again: nothing here comes from before the last
  // Invalidate.
  virtual bool Fresh() const = 0;
  // Forgets everything, so that the next use asks the server.
  virtual void Invalidate() = 0;
};

// Asks for all of it at the first use. A group version that the server did not name is then not
// found without a request, and one whose fetch failed for a while is fetched at its next use.
std::shared_ptr<CachedInterface> NewMemCacheClient(std::shared_ptr<const Interface> delegate);

// "not found": the cache is filled, and there is no such group version.
Error ErrCacheNotFound();

}  // namespace k8s::discovery
