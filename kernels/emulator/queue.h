// What is enqueued in a stream: it runs later, in its order, or is kept by the graph that is being captured.
#pragma once
#include <functional>

namespace ilf::emulated {
void enqueue(std::function<void()> work);
}
