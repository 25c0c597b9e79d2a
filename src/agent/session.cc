// SPDX-License-Identifier: Apache-2.0
#include "agent/session.h"

#include <string>
#include <utility>

#include "agent/exec.h"
#include "agent/files.h"
#include "agent/measure.h"
#include "agent/relay.h"
#include "agent/repl/run.h"
#include "agent/users.h"
#include "base/bytes.h"

namespace msb::agent {

using wire::FrameType;

Result<std::unique_ptr<Session>> Session::create(base::UniqueFd stream) {
  std::unique_ptr<Session> session(new Session(TRY(EventLoop::create())));
  Session* raw = session.get();
  session->children_ = TRY(Children::create(*session->loop_));
  session->link_ =
      TRY(HostLink::create(*session->loop_, std::move(stream),
                           [raw](const wire::Frame& frame) { return raw->handle(frame); }));
  session->context_.reset(new Context{.loop = *session->loop_,
                                      .link = *session->link_,
                                      .children = *session->children_,
                                      .discard = session->discard_,
                                      .settings = session->settings_,
                                      .close_stream = [raw](std::uint32_t id) { raw->close(id); }});
  session->python_ = std::make_unique<repl::Repl>(*session->context_, wire::Language::kPython);
  session->node_ = std::make_unique<repl::Repl>(*session->context_, wire::Language::kNode);
  return session;
}

Result<> Session::serve() {
  while (TRY(turn(EventLoop::Wait::kForEvents))) {
  }
  return {};
}

Result<bool> Session::turn(EventLoop::Wait wait) {
  TRY(loop_->turn(link_->has_more_to_do() ? EventLoop::Wait::kNot : wait));
  TRY(link_->exchange());
  ended_.clear();
  return !link_->closed();
}

Result<> Session::handle(const wire::Frame& frame) {
  if (!greeted_) {
    return greet(frame);
  }
  if (frame.stream == 0) {
    return handle_connection(frame);
  }
  const auto stream = streams_.find(frame.stream);
  if (stream != streams_.end()) {
    return handle_stream(*stream->second, frame);
  }
  return handle_request(frame);
}

Result<> Session::greet(const wire::Frame& frame) {
  if (frame.type != FrameType::kHello || frame.stream != 0) {
    return fail(ErrorCode::kCorrupt, "the host did not say hello");
  }
  const wire::Hello hello = TRY(wire::Hello::decode(frame.payload));
  link_->send(0, wire::HelloReply{wire::kProtocolVersion, hello.instance_id});
  greeted_ = true;
  return {};
}

Result<> Session::handle_connection(const wire::Frame& frame) {
  switch (frame.type) {
    case FrameType::kHello:
      // A machine that was saved is greeted again in each of its clones.
      if (is_in_use_ && !link_->rests()) {
        return fail(ErrorCode::kCorrupt, "the host said hello twice");
      }
      leave_streams();
      return greet(frame);
    case FrameType::kRest:
      return rest();
    case FrameType::kGoOn:
      link_->go_on();
      return {};
    case FrameType::kConfigure:
      configure(TRY(wire::Configure::decode(frame.payload)));
      return {};
    case FrameType::kWarmRepl:
      repl(TRY(wire::WarmRepl::decode(frame.payload)).language).warm();
      return {};
    case FrameType::kPing:
      link_->send(0, FrameType::kPong, frame.payload);
      return {};
    default:
      return {};
  }
}

Result<> Session::rest() {
  if (python_->is_busy() || node_->is_busy()) {
    return fail(ErrorCode::kCorrupt, "the host wants a rest in the middle of a run");
  }
  if (!link_->rests()) {
    link_->rest();
  }
  return {};
}

void Session::leave_streams() {
  for (const auto& [id, stream] : streams_) {
    stream->on_left();
  }
  streams_.clear();
  link_->begin_anew();
}

void Session::configure(wire::Configure settings) {
  settings_ = std::move(settings);
  if (settings_.workdir.starts_with('/')) {
    // A folder that cannot be made, or a user that is not there, is what an exec will meet and say.
    if (const auto owner = find_identity(settings_.user)) {
      static_cast<void>(make_folders(settings_.workdir, *owner));
    }
  }
}

repl::Repl::Answer Session::answer_to(std::uint32_t id) {
  return [this, id](const Result<>& result) {
    if (result) {
      link_->send(id, FrameType::kDone);
    } else {
      link_->send_failure(id, result.error());
    }
  };
}

void Session::have_all(void (repl::Repl::*step)(repl::Repl::Answer), std::uint32_t id) {
  (*python_.*step)([this, step, id](const Result<>& result) {
    if (result) {
      (*node_.*step)(answer_to(id));
    } else {
      answer_to(id)(result);
    }
  });
}

void Session::adopt(std::uint32_t id, wire::Adopt request) {
  if (is_in_use_ || python_->is_busy() || node_->is_busy()) {
    link_->send_failure(id,
                        Error(ErrorCode::kConflict,
                              "the sandbox is in use: it takes settings once, before all else"));
    return;
  }
  is_in_use_ = !request.is_rehearsal;
  if (request.settings == settings_) {
    answer_to(id)({});
    return;
  }
  configure(std::move(request.settings));
  have_all(&repl::Repl::adopt, id);
}

Result<> Session::handle_request(const wire::Frame& frame) {
  const std::uint32_t id = frame.stream;
  switch (frame.type) {
    case FrameType::kExec:
    case FrameType::kRepl:
    case FrameType::kConnect:
      if (streams_.size() >= kMaxStreams) {
        link_->send_failure(id, Error(ErrorCode::kResourceExhausted,
                                      "more than " + std::to_string(kMaxStreams) + " streams"));
        return {};
      }
      break;
    case FrameType::kWriteFile: {
      const auto file = TRY(wire::WriteFile::decode(frame.payload));
      is_in_use_ |= !file.in_place;
      answer_to(id)(write_file(file));
      return {};
    }
    case FrameType::kAdopt:
      adopt(id, TRY(wire::Adopt::decode(frame.payload)));
      return {};
    case FrameType::kMeasure:
      link_->send(id, measure());
      return {};
    case FrameType::kRenew:
      have_all(&repl::Repl::renew, id);
      return {};
    // For a stream that has just ended: the host does not know yet.
    case FrameType::kReplCode:
    case FrameType::kSignal:
    case FrameType::kResize:
    case FrameType::kCancel:
    case FrameType::kData:
    case FrameType::kEnd:
    case FrameType::kCredit:
      return {};
    default:
      link_->send_failure(id, Error(ErrorCode::kUnsupported, "request of an unknown type"));
      return {};
  }
  if (frame.type == FrameType::kRepl) {
    return open_run(id, TRY(wire::Repl::decode(frame.payload)));
  }
  is_in_use_ = true;
  if (frame.type == FrameType::kExec) {
    open(id, Exec::start(*context_, id, TRY(wire::Exec::decode(frame.payload))));
  } else {
    open(id, Relay::start(*context_, id, TRY(wire::Connect::decode(frame.payload))));
  }
  return {};
}

Result<> Session::open_run(std::uint32_t id, const wire::Repl& request) {
  if (request.is_practice && is_in_use_) {
    return fail(ErrorCode::kCorrupt, "the host wants practice after the first run");
  }
  is_in_use_ |= !request.is_practice;
  std::unique_ptr<Stream>& slot = streams_[id];
  slot = std::make_unique<repl::Run>(*context_, repl(request.language), id, request);
  if (request.is_practice) {
    Stream& run = *slot;
    run.on_code(base::bytes_of(repl::spec_of(request.language).practice));
    run.on_end();
  }
  return {};
}

Result<> Session::handle_stream(Stream& stream, const wire::Frame& frame) {
  switch (frame.type) {
    case FrameType::kData:
      if (frame.payload.size() > stream.credit_granted) {
        return fail(ErrorCode::kCorrupt, "the host sent data it had no credit for");
      }
      stream.credit_granted -= frame.payload.size();
      stream.on_data(frame.payload);
      return {};
    case FrameType::kEnd:
      stream.on_end();
      return {};
    case FrameType::kCredit:
      stream.credit_to_send += TRY(wire::Credit::decode(frame.payload)).size_bytes;
      stream.on_credit();
      return {};
    case FrameType::kReplCode:
      stream.on_code(frame.payload);
      return {};
    case FrameType::kSignal:
      stream.on_signal(TRY(wire::Signal::decode(frame.payload)).number);
      return {};
    case FrameType::kResize: {
      const auto size = TRY(wire::Resize::decode(frame.payload));
      stream.on_resize(size.rows, size.columns);
      return {};
    }
    case FrameType::kCancel:
      stream.on_cancel();
      return {};
    case FrameType::kExec:
    case FrameType::kRepl:
    case FrameType::kConnect:
    case FrameType::kMeasure:
    case FrameType::kWriteFile:
      return fail(ErrorCode::kCorrupt, "the host opened a stream that is open");
    default:
      return {};
  }
}

template <typename Opened>
void Session::open(std::uint32_t id, Result<std::unique_ptr<Opened>> opened) {
  if (opened) {
    streams_[id] = *std::move(opened);
  } else {
    link_->send_failure(id, opened.error());
  }
}

void Session::close(std::uint32_t id) {
  const auto stream = streams_.find(id);
  if (stream != streams_.end()) {
    ended_.push_back(std::move(stream->second));
    streams_.erase(stream);
  }
}

repl::Repl& Session::repl(wire::Language language) {
  return language == wire::Language::kPython ? *python_ : *node_;
}

}  // namespace msb::agent
