"""Object detection: RetinaNet on the backbone of a pretrained encoder, fine-tuned on boxes and scored as COCO does."""
