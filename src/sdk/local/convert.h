// SPDX-License-Identifier: Apache-2.0
//
// Between the public types and the engine's.
#pragma once

#include "engine/config.h"
#include "engine/gauges.h"
#include "engine/session.h"
#include "image/store.h"
#include "msb/execution.h"
#include "msb/image.h"
#include "msb/options.h"
#include "msb/sandbox.h"
#include "sdk/execution_builder.h"

namespace msb::sdk {

engine::Config to_engine(const StartConfig& config);
wire::Language to_engine(Language language);
engine::CommandRequest to_engine(const std::string& command, const std::vector<std::string>& args,
                                 const CommandOptions& options);
Stream to_public(engine::Channel channel);
ExecutionBuilder::Summary to_public(engine::RunSummary summary);
std::string to_public(wire::ReplDone::Status status);
ImageProgress to_public(const image::Progress& progress);
// Null stays null.
image::ProgressCallback to_engine(const std::function<void(const ImageProgress&)>& callback);

}  // namespace msb::sdk
