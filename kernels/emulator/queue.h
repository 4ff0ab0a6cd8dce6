// What is enqueued in a stream: it runs at once, or is kept by the graph that is being captured.
#pragma once
#include <functional>

namespace ilf::emulated {
void enqueue(std::function<void()> work);
}
