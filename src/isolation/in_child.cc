// SPDX-License-Identifier: Apache-2.0
#include "isolation/in_child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sys.h"
#include "isolation/warden/protocol.h"

namespace msb::isolation {

namespace sys = base::sys;

Result<> in_child(const std::function<Result<>()>& body) {
  sys::Pipe report = TRY(sys::pipe());
  const pid_t child = ::fork();
  if (child < 0) {
    return std::unexpected(sys::error("fork"));
  }
  if (child == 0) {
    if (auto tried = body(); !tried) {
      base::ByteWriter writer;
      warden::write_error(writer, tried.error());
      [[maybe_unused]] const auto sent =
          base::write_all(report.write_end.get(), std::move(writer).take());
      ::_exit(1);
    }
    ::_exit(0);
  }
  report.write_end.reset();
  const auto text = base::read_all(report.read_end.get(), warden::kMaxMessageBytes);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) {
    return {};
  }
  if (!text || text->empty()) {
    return fail(ErrorCode::kInternal, "the process that tried it died");
  }
  base::ByteReader reader(base::bytes_of(*text));
  return std::unexpected(warden::read_error(reader));
}

}  // namespace msb::isolation
