#include "trainer/models/network.h"

#include "common/base/check.h"
#include "trainer/models/densenet.h"
#include "trainer/models/resnet.h"
#include "trainer/models/resnext.h"
#include "trainer/models/wide_resnet.h"

namespace fusor {

Result<std::unique_ptr<Network>> MakeNetwork(ModelBuilder& builder, const NetworkOptions& options) {
  auto full = CompleteOptions(options);
  if (!full.ok()) return full.status();
  std::unique_ptr<Network> network;
  if (full->model == "densenet") {
    network = std::make_unique<DenseNet>(
        builder,
        DenseNetOptions{*full->depth, *full->growth, *full->width, full->classes, *full->dropout});
  } else if (full->model == "resnet") {
    network = std::make_unique<ResNet>(
        builder, ResNetOptions{*full->depth, *full->width, full->classes, *full->dropout});
  } else if (full->model == "improved_wide_resnet") {
    network = std::make_unique<WideResNet>(
        builder, WideResNetOptions{*full->depth, *full->width, full->classes, *full->dropout});
  } else {
    CHECK(full->model == "resnext");
    network = std::make_unique<ResNext>(
        builder, ResNextOptions{*full->depth, *full->width, *full->cardinality, full->classes,
                                *full->preactivation, *full->dropout});
  }
  return network;
}

}  // namespace fusor
