package needs

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	_ "image/png" // read as well
)

// ErrPhoto means that a file is no JPEG or PNG photo, or is too large. Say which kinds and sizes are taken.
var ErrPhoto = errors.New("not a JPEG or PNG photo, or too large")

// Limits of a photo: PhotoMax bytes as sent, photoPixels once unpacked, PhotosMax beside one item, or one post about how something goes on.
const (
	PhotoMax    = 5 << 20
	PhotosMax   = 4
	photoPixels = 40_000_000
	photoSide   = 1600 // kept at most, in pixels
)

// CleanPhoto draws a photo anew as a JPEG: place, time, camera and whatever else was written into the file is gone. ErrPhoto.
func CleanPhoto(body []byte) ([]byte, error) {
	if len(body) == 0 || len(body) > PhotoMax {
		return nil, ErrPhoto
	}
	head, kind, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil || kind != "jpeg" && kind != "png" || head.Width < 1 || head.Height < 1 || head.Width > photoPixels/head.Height {
		return nil, ErrPhoto
	}
	photo, _, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		return nil, ErrPhoto
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, smaller(photo), &jpeg.Options{Quality: 82}); err != nil {
		return nil, ErrPhoto
	}
	return out.Bytes(), nil
}

// smaller takes every n-th pixel, so that neither side is longer than photoSide.
func smaller(photo image.Image) image.Image {
	size := photo.Bounds().Size()
	n := (max(size.X, size.Y) + photoSide - 1) / photoSide
	if n <= 1 {
		return photo
	}
	out := image.NewRGBA(image.Rect(0, 0, max(size.X/n, 1), max(size.Y/n, 1)))
	from := photo.Bounds().Min
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Set(x, y, photo.At(from.X+x*n, from.Y+y*n))
		}
	}
	return out
}
