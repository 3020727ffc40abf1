//! Pictures that are copies of each other.

/// Copies among the pictures of a set. Indices are into [`super::Pictures::pictures`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Copies {
    /// Groups of two or more pictures with the same size and the same pixels, whatever their file format; members
    /// ascend, groups are in the order of their first member.
    pub same: Vec<Vec<usize>>,
    /// Clusters of pictures that look alike without being the same; a group of `same` takes part by its first
    /// member only. In the order of their first member.
    pub near: Vec<NearCluster>,
}

/// Pictures that look alike: recompressed, resized, slightly cropped, brightened, or mirrored.
#[derive(Clone, Debug, PartialEq)]
pub struct NearCluster {
    /// The picture that the others are compared with: the one with the lowest index.
    pub first: usize,
    /// The others, ascending.
    pub others: Vec<NearMember>,
}

/// A picture that looks like the first of its cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearMember {
    /// Which picture.
    pub picture: usize,
    /// Pearson correlation of grey pixels with the most similar picture of the cluster, after alignment; −1 … 1.
    pub correlation: f32,
    /// Whether it is a mirror image (left and right exchanged) of the first.
    pub mirrored: bool,
}

impl NearCluster {
    /// All members, the first one first.
    pub fn members(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.first).chain(self.others.iter().map(|o| o.picture))
    }
}
