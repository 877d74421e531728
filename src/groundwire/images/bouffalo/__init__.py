"""Bouffalo BL602 images: boot header, partition table, over-the-air files and layouts."""
