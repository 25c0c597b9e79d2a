// SPDX-License-Identifier: Apache-2.0
//
// Foreign bytes as a connection sends them: the library's parser, our head, the edge and the
// JSON-RPC behind it. Two requests in one input are read one after the other, as on a connection.
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "server/http_head.h"
#include "server/rpc_http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace msb::server;
  const Access with_key("0123456789abcdefghijABCDEFGHIJ01");
  const Access dev(std::nullopt);
  std::size_t at = 0;
  for (int request = 0; request < 4 && at < size; ++request) {
    RequestParser parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(kMaxBodyBytes);
    boost::system::error_code failed;
    while (at < size && !parser.is_done() && !failed) {
      const std::size_t taken = parser.put(boost::asio::buffer(data + at, size - at), failed);
      at += taken;
      if (taken == 0) {
        break;
      }
    }
    if (failed || !parser.is_done()) {
      return 0;
    }
    const auto head = head_of(parser.get());
    if (!head) {
      return 0;  // the connection is closed
    }
    for (const Access* access : {&with_key, &dev}) {
      const Edge edge(*access);
      static_cast<void>(edge.common_fields(*head));
      const auto passage = edge.judge(*head, 1'750'000'000);
      if (!passage) {
        MSB_CHECK(passage.error().reply.status >= 400);
        continue;
      }
      const bool protects = passage->route == Route::kRpc || passage->route == Route::kRpcAlias;
      if (protects) {
        AccessEntry entry;
        static_cast<void>(prepare_rpc(passage->route, passage->claims, parser.get().body(), entry));
        static_cast<void>(encode(entry, {}));
      }
    }
  }
  return 0;
}
