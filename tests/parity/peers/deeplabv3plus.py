# SPDX-License-Identifier: Apache-2.0
"""segmentation_models_pytorch's DeepLabv3+ with a ResNet-50 encoder, and its head."""

from __future__ import annotations

import segmentation_models_pytorch as smp
from compare import Case, made, normal
from torch import Tensor, nn

AGAINST = "SMP's DeepLabV3Plus"
ENCODER = {"layer1": "C2", "layer2": "C3", "layer3": "C4", "layer4": "C5"}


def ours(name: str) -> str:
    part, rest = name.split(".", 1)
    if part == "decoder":
        block, rest = rest.split(".", 1)
        return f"aspp.{rest}" if block == "aspp" else f"decoder.{block}.{rest}"
    layer, inside = rest.split(".", 1)
    return f"{ENCODER[layer]}.{inside}" if layer in ENCODER else f"C1.{rest}"


def keep_output(module: nn.Module, _: object, output: Tensor) -> None:
    module.output = output


class DeepLabV3Plus(nn.Module):
    """SMP's model without its head, returning every stage."""

    def __init__(self, channels: int = 3, stride: int = 16, rates: tuple[int, int, int] = (12, 24, 36),
                 dropout: float = 0.5) -> None:
        super().__init__()
        model = smp.DeepLabV3Plus("resnet50", encoder_weights=None, encoder_output_stride=stride, in_channels=channels,
                                  decoder_atrous_rates=rates, decoder_aspp_dropout=dropout)
        self.encoder, self.decoder = model.encoder, model.decoder
        self.decoder.aspp.register_forward_hook(keep_output)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.encoder(x)  # the first is the image
        out = {f"C{i}": feature for i, feature in enumerate(features) if i > 0}
        decoded = self.decoder(features)
        return out | {"aspp": self.decoder.aspp.output, "decoder": decoded}


class Head(nn.Module):
    """SMP's segmentation head: 1×1 to the logits, then bilinear with aligned corners."""

    def __init__(self, channels: int, upsampling: int) -> None:
        super().__init__()
        self.layers = smp.base.SegmentationHead(channels, 1, kernel_size=1, upsampling=upsampling)

    def forward(self, x: Tensor, image: Tensor) -> dict[str, Tensor]:
        logits = self.layers(x)
        assert logits.shape[2:] == image.shape[2:]
        return {"logits": logits, "probability": logits.sigmoid()}


def cases() -> list[Case]:
    def backbone(x: Tensor, train: bool, **settings: object) -> Case:
        names = {"stride": "output_stride", "rates": "rates", "dropout": "dropout"}
        options = {names[key]: value for key, value in settings.items()}
        peer = made(lambda: DeepLabV3Plus(x.shape[1], **settings))
        return Case("backbone/deeplabv3plus", AGAINST, peer, {"x": x}, options, train=train, ours=ours)

    def head(upsampling: int) -> Case:
        side = 16 * upsampling
        inputs = {"x": normal(2, 32, 16, 16), "image": normal(2, 1, side, side)}
        return Case("head/segmentation", "SMP's SegmentationHead",
                    made(lambda: Head(32, upsampling)), inputs, {"upsample": "corners"}, note=f"logits ×{upsampling}",
                    ours=lambda name: name.replace("layers.0.", "conv."), constant=("image",))

    return [
        backbone(normal(2, 3, 64, 64), False, stride=16),
        backbone(normal(2, 1, 64, 64), False, stride=8, rates=(6, 12, 18)),
        backbone(normal(4, 1, 64, 64), True, stride=16, dropout=0.0),
        backbone(normal(2, 1, 64, 64), True, stride=8, dropout=0.0),
        head(4),
        head(2),
    ]
