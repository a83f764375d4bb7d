// The same types under names that an app's own types are not likely to have: the
// class `Plico` hides the module's name, so `Plico.Account` can't be written.

/// ``Account``, for modules that have a type of that name.
public typealias PlicoAccount = Account
/// ``Context``, for modules that have a type of that name.
public typealias PlicoContext = Context
/// ``DeviceInfo``, for modules that have a type of that name.
public typealias PlicoDeviceInfo = DeviceInfo
/// ``FileKey``, for modules that have a type of that name.
public typealias PlicoFileKey = FileKey
/// ``Recipient``, for modules that have a type of that name.
public typealias PlicoRecipient = Recipient
/// ``Rights``, for modules that have a type of that name.
public typealias PlicoRights = Rights
/// ``Store``, for modules that have a type of that name.
public typealias PlicoStore = Store
/// ``Transport``, for modules that have a type of that name.
public typealias PlicoTransport = Transport
